"""The layer programs of a network, whatever their kind, and what running them gives."""

import os
from pathlib import Path

from nvdla_int8.json_files import read_json
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.host_program import HostProgram, HostStages
from nvdla_int8.stages.layer_program import LayerProgram, LayerStages
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.named_stages import NamedStages
from nvdla_int8.stages.output_only import OutputOnly
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.program_files import LAYER_PROGRAM
from nvdla_int8.stages.sdp_program import SdpProgram

AnyProgram = LayerProgram | SdpProgram | PoolingProgram | LrnProgram | ConcatProgram | HostProgram
AnyStages = LayerStages | NamedStages | HostStages
AnyOutput = OutputOnly | AnyStages

_KINDS: dict[str, type[AnyProgram]] = {
    kind.model_fields["format"].default: kind
    for kind in (LayerProgram, SdpProgram, PoolingProgram, LrnProgram, ConcatProgram, HostProgram)
}


def load_program(path: str | os.PathLike[str]) -> AnyProgram:
    """Read a layer program of any kind, which its ``format`` tells; BenchError with the file and what is wrong."""
    header = read_json(Path(path), LAYER_PROGRAM)
    given = header.get("format") if isinstance(header, dict) else None
    kind = _KINDS.get(given, LayerProgram) if isinstance(given, str) else LayerProgram
    program: AnyProgram = kind.load(path)  # whose own checks refuse another format
    return program
