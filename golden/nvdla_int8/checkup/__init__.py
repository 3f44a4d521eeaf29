"""Finds which bytes of a board are wrong, and whether a known misprogramming explains them."""
