"""Functional coverage: what programs and devices should be seen to do, as data, and how much of it was seen."""
