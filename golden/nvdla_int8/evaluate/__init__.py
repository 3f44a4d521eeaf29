"""What INT8 costs a network, layer by layer, and which entries of its table are to blame."""
