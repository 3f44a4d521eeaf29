"""The layer programs of a network, whatever their kind: a convolution's, pooling's or LRN's."""

import os
from pathlib import Path

from nvdla_int8.stages.layer_program import LayerProgram, read_json
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling_program import PoolingProgram

AnyProgram = LayerProgram | PoolingProgram | LrnProgram

_KINDS = {kind.model_fields["format"].default: kind for kind in (LayerProgram, PoolingProgram, LrnProgram)}


def load_program(path: str | os.PathLike[str]) -> AnyProgram:
    """Read a layer program of any kind, which its ``format`` tells; BenchError with the file and what is wrong."""
    header = read_json(Path(path), "a layer program")
    given = header.get("format") if isinstance(header, dict) else None
    kind = _KINDS.get(given, LayerProgram) if isinstance(given, str) else LayerProgram
    program: AnyProgram = kind.load(path)  # whose own checks refuse another format
    return program
