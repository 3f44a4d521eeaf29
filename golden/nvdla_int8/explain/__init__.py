"""Says in words what a trace does."""
