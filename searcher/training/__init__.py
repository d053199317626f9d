"""Teachers, their activations, and the short distillation of candidates."""
