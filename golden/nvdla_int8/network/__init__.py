"""Networks in real numbers and as chains of layer programs."""
