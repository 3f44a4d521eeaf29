"""A classifying network on a device: images in memory, classes out, every stage of every layer compared."""
