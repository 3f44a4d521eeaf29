"""The probes, a module for each unit or two alike, each building on the units before it."""
