"""A calibration table as NVIDIA's compiler needs it: one scale where it cannot rescale, an entry for every layer."""
