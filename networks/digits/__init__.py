"""A small residual network for 8x8 digits: data split, training script, ONNX file, calibration table."""
