"""Which candidate to keep: data, training, the search, and the command line."""
