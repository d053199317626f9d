"""Data only: the template, style and scripts of the report."""
