"""Measures what the product costs against floors on the same machine; see docs/PERFORMANCE.md."""
