"""Full training: an exported configuration with its published schedule, on one device or several."""
