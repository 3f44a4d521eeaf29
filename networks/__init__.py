"""Demo networks that the bench runs end to end."""
