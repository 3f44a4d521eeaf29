"""What the layer programs without weights share: pooling and LRN run on int8 bytes and are one JSON file."""

import json
import os
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, located, writing
from nvdla_int8.parameters import Parameters
from nvdla_int8.stages.layer_program import Scale, read_json


@dataclass(frozen=True)
class UnweightedStages:
    """Every stage of one run by name, in the data's order, ``output`` last; and the elements each step clipped."""

    tensors: Mapping[str, NDArray[np.integer]]
    saturations: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """The stages."""
        return tuple(self.tensors)

    @property
    def output(self) -> NDArray[np.int8]:
        """The bytes that go to memory."""
        return self.tensor("output").astype(np.int8, copy=False)

    def tensor(self, stage: str) -> NDArray[np.integer]:
        """The array of one stage."""
        return self.tensors[stage]


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

    def run(self, data: NDArray[np.integer], *, build: Build = NV_SMALL) -> UnweightedStages:
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
    def _run(self, data: NDArray[np.int8]) -> UnweightedStages: ...

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``path``, readable JSON."""
        path = Path(path)
        with writing(path):
            path.write_text(json.dumps(self.model_dump(mode="json"), indent=2) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; BenchError with the file, the field and the value."""
        path = Path(path)
        header: Any = read_json(path, "a layer program")
        if not isinstance(header, dict):
            raise BenchError(f"{path}: a layer program is a JSON object, not {type(header).__name__}")
        with located(str(path)):
            return cls(**header)
