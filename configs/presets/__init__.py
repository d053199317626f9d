"""Data only: configurations of the published systems; nothing here runs."""
