"""A simulated core as a live device: the TCP bridge in front of the components."""
