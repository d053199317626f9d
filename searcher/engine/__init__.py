"""The search: objectives, trials, study, front."""
