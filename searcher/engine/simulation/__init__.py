"""Searches replayed on tables of measured results."""
