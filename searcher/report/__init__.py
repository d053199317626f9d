"""What a run found, for people: figures, one HTML file, notes for the dashboard."""
