"""Measurements, each a module to run."""
