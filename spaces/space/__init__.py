"""Which candidates are searched: axes, files that name their values, exact enumeration."""
