"""What the layer programs without weights share: pooling and LRN run on int8 bytes and are one JSON file."""

import os
from abc import abstractmethod
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, located
from nvdla_int8.json_files import read_json, write_json
from nvdla_int8.parameters import Parameters
from nvdla_int8.stages.named_stages import NamedStages
from nvdla_int8.stages.program_files import LAYER_PROGRAM
from nvdla_int8.stages.tensor_scale import Scale


class UnweightedProgram(Parameters):
    """Base of the layer programs of pooling and LRN.

    Attributes
    ----------
    name
        The layer's name, for messages.
    input_scale, output_scale
        What the layer's input and output bytes mean, when known.
    """

    name: str
    input_scale: Scale = None
    output_scale: Scale = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``path``, readable JSON."""
        write_json(self.model_dump(mode="json"), Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; BenchError with the file, the field and the value."""
        path = Path(path)
        header: Any = read_json(path, LAYER_PROGRAM)
        if not isinstance(header, dict):
            raise BenchError(f"{path}: a layer program is a JSON object, not {type(header).__name__}")
        with located(str(path)):
            return cls(**header)


class OneInputProgram(UnweightedProgram):
    """Base of those that read one tensor."""

    def run(self, data: NDArray[np.integer], *, build: Build = NV_SMALL) -> NamedStages:
        """Run the layer through every stage.

        Parameters
        ----------
        data
            (C, H, W) or (N, C, H, W) int8.
        build
            Of no matter here.

        Raises
        ------
        BenchError
            Wrong dtype or shape, naming the layer.
        """
        with located(f"layer {self.name}"):
            if data.dtype != np.int8 or data.ndim not in (3, 4):
                raise BenchError(f"input is {data.dtype} {data.shape}, it takes int8 (C, H, W) or (N, C, H, W)")
            return self._run(data.astype(np.int8, copy=False))

    @abstractmethod
    def _run(self, data: NDArray[np.int8]) -> NamedStages: ...
