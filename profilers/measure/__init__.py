"""Measuring a machine: the agent that runs on it, what it is given to run, and the file that comes of it."""
