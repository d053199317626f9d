"""Networks to split: by name, from a file, or as the published systems drew them."""
