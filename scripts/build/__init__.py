"""What is written from the sources: migrations, their lock, tables, pages."""
