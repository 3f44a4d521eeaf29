"""Surfaces: how tensors lie in the device's memory (hardware.md section 3)."""
