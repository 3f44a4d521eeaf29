"""Small register programs that isolate the units one by one, and which units a device's answers show to be sound."""
