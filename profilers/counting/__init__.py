"""What a network computes: multiply-adds, weights and moved elements, operator by operator."""
