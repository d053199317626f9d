"""The backbone as a traced graph: where it can be cut, and how its tensors are laid out."""
