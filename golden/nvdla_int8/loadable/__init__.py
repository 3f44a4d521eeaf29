"""Compiled networks: what NVIDIA's compiler put into a ``.nvdla`` file, as typed objects (loadables.md)."""
