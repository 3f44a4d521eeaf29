"""Answers to the probes of a folder in each form in which people have them."""
