"""One study for many workers: where it lies, who works on what, and what outlives whoever is killed."""
