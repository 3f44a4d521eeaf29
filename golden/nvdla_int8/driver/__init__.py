"""What NVIDIA's driver does with a compiled network's tasks: addresses, register programs, order of work."""
