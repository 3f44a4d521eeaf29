"""The options with which every command finds the files of a network in real numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.reader import read_network


class _Size(click.ParamType[tuple[int, int]]):
    """Height and width, with a comma between them."""

    name = "H,W"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        parts = str(value).split(",")
        if len(parts) != 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            raise BenchError(f"--size {value!r} is not height and width, such as 224,224")
        return int(parts[0]), int(parts[1])


@dataclass(frozen=True)
class NetworkOptions:
    """What a user says of a network's files beside the first; None where nothing is said."""

    weights_path: Path | None
    image_size: tuple[int, int] | None

    def read(self, path: Path, *, folded: bool = True) -> FloatNetwork:
        """Read a network from its ONNX file or prototxt; arguments and errors as of :func:`read_network`."""
        return read_network(path, weights_path=self.weights_path, image_size=self.image_size, folded=folded)

    def arguments(self) -> list[str]:
        """The words of the command line that say the same again."""
        words = [] if self.weights_path is None else ["--weights", str(self.weights_path)]
        return words + ([] if self.image_size is None else ["--size", ",".join(map(str, self.image_size))])


ONE_FILE = NetworkOptions(None, None)
"""The network's file says all, or the caffemodel is beside it."""


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--weights`` and ``--size`` to a command, which gets ``files: NetworkOptions``."""

    @wraps(command)
    def with_files(*, weights_path: Path | None, image_size: tuple[int, int] | None, **own: Any) -> Any:
        return command(files=NetworkOptions(weights_path, image_size), **own)

    decorated: Callable[..., Any] = with_files
    for option in (
        click.option(
            "--size", "image_size", type=_Size(), help="Height and width of images, where the network leaves them open."
        ),
        click.option(
            "--weights",
            "weights_path",
            metavar="FILE.caffemodel",
            type=click.Path(path_type=Path),
            help="The weights of a prototxt. [default: the caffemodel beside it]",
        ),
    ):
        decorated = option(decorated)
    return decorated
