"""Networks in real numbers and as graphs of layer programs."""
