"""Small faults planted in copies of the core, of its netlists and of the model, and which check notices each."""
