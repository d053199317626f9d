"""What a candidate costs: imports spaces, and nothing else of ours."""
