"""The link between device and server: what one message over it takes and costs."""
