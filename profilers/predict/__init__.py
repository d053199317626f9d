"""Milliseconds of what was never run: from measured tables, from fused operators, from a roofline."""
