"""What stands at the cut: encoders, decoders, and the bytes between them."""
