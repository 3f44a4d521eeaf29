"""onnxruntime as everything here uses it: one thread, nothing printed, and what goes wrong in one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import onnx
import onnxruntime

from nvdla_int8.errors import BenchError

FATAL = 4
"""onnxruntime's severity for what it prints itself; all else comes as an exception."""


def session_options() -> onnxruntime.SessionOptions:
    """Options of one thread, so that sums have one order; what goes wrong is raised, not printed."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    return options


def open_session(model: onnx.ModelProto, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """Load a model on the CPU; onnxruntime's exceptions as they are, for :func:`onnxruntime_trouble`."""
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"], enable_fallback=0
    )


@contextmanager
def onnxruntime_trouble(what: str) -> Iterator[None]:
    """Turn what onnxruntime raises inside into a BenchError: ``what`` and its reason, without its codes and files."""
    try:
        yield
    except Exception as error:  # onnxruntime's own exceptions have no common base
        words = " ".join(str(error).split())
        reason = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (.* was false\. )?", "", words)
        raise BenchError(f"{what}: {reason}") from None
