"""What NVIDIA's compiler would program: its integers for a network and a table, faults included."""
