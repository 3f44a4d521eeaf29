"""Live devices: registers and memory of a board or a simulation, and traces replayed on them."""
