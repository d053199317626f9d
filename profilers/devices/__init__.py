"""Profile files: what a machine is, and what was measured on it."""
