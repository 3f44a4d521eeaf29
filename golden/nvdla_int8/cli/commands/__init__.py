"""The commands of ``nvdla-int8``, one a file."""
