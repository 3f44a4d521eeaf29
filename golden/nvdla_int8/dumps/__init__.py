"""Dumps of tensors from a board: the runtime's ``.dimg`` and text, bytes as in memory; compared byte by byte."""
