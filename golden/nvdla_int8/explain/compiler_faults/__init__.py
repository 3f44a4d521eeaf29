"""What a compiled network's file shows of its compiler's faults (loadables.md section 11)."""
