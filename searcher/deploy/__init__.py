"""From a point of the front to two halves that run: exported, checked, evaluated, served."""
