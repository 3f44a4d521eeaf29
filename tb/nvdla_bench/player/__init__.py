"""Plays a trace on a device in a simulator, and judges its record."""
