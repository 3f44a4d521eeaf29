"""The arithmetic of the data's path, unit by unit, and a layer's program made of it."""
