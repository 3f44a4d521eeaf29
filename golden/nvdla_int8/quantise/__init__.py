"""Real numbers to layer programs, with proven bounds on the error."""
