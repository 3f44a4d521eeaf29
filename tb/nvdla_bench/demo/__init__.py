"""A network on a device, image in memory, class out."""
