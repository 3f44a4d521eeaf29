"""What a program does, layer by layer, as plain values by name: one module for each unit."""
