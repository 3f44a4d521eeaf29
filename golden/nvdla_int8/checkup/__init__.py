"""Finds which bytes of a board are wrong, since which layer, what they have in common, and why."""
