"""NVIDIA's traces: the format's reader and writer, replay on a device, and the judgement of what came out."""
