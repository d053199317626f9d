"""What a candidate is: imports nothing else of ours."""
