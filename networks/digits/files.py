"""Where the demo network's files are."""

from pathlib import Path

ONNX = Path(__file__).with_name("digits.onnx")
TABLE = Path(__file__).with_name("digits.json")
