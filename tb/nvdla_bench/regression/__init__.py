"""Random register programs on a device, many at a time."""
