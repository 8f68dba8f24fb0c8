"""What render_docs.py is made of: reading the catalog and the sources, writing pages."""
