"""What software wrote into a board's registers, from whatever log it left, as a trace."""
