"""Calibration tables: one scale a tensor, their two file forms, and the tool that measures them."""
