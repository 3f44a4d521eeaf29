"""A network on a device: images in memory, outputs in memory, every stage of every layer compared."""
