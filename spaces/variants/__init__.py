"""Other shapes of the same backbone: divided, pruned, shrunk."""
