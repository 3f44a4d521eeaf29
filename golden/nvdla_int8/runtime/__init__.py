"""Compiled networks run as NVIDIA's runtime does: image to tensor, memory, tasks in order, output (loadables.md)."""
