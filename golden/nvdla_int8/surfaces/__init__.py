"""Surfaces: how tensors lie in the device's memory (spec section 3)."""
