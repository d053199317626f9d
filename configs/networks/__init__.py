"""Data only: shipped profiles and spaces; nothing here runs."""
