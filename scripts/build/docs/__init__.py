"""Parts of render_docs.py: they read the catalog and the sources, and write pages."""
