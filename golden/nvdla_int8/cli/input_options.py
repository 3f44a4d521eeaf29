"""The options that tell what a network's input is, which its file and table do not."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.stages.tensor_scale import positive_number

Reals = NDArray[np.float64]


class _Numbers(click.ParamType[Reals]):
    """One number, or one a channel with commas between them."""

    name = "numbers"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Reals:
        try:
            return np.array([float(part) for part in str(value).split(",")])
        except ValueError:
            option = param.opts[0] if param is not None else ""
            raise BenchError(f"{option} {value!r} is not a number, or one a channel such as 104,117,123") from None


@dataclass(frozen=True, eq=False)
class InputOptions:
    """What a user says of a network's input; None where nothing is said."""

    kind: str
    mean: Reals | None
    scale: Reals | None
    std: Reals | None

    def fed(self, network: FloatNetwork) -> FloatNetwork:
        """Return the network with the input that the options describe; ``--scale`` of int8 is :attr:`feature_scale`.

        Raises
        ------
        BenchError
            For options that exclude each other, or do not fit the network's channels.
        """
        mean, scale, std = self.mean, self.scale, self.std
        if scale is not None and std is not None:
            raise BenchError("--scale and --std exclude each other: std is 1 / scale")
        if self.kind == "int8":
            if mean is not None or std is not None:
                raise BenchError("--mean and --std are for pixels, not for --input int8")
            return network.fed_with_int8()
        with located("--mean, --scale or --std"):
            if std is not None:
                if not std.all():
                    raise BenchError("std 0 makes a channel infinite")
                with np.errstate(over="ignore"):  # what is not finite is refused
                    scale = 1 / std
            return network.fed_with_pixels(_preprocessing(mean, scale))

    def arguments(self) -> list[str]:
        """The words of the command line that say the same again."""
        words = [] if self.kind == "pixels" else ["--input", self.kind]
        for option, values in (("--mean", self.mean), ("--scale", self.scale), ("--std", self.std)):
            words += [] if values is None else [option, ",".join(map(str, values.tolist()))]
        return words

    @property
    def feature_scale(self) -> float:
        """Real value of one step of an int8 feature map, 1 for pixels; BenchError when it is not given."""
        if self.kind == "pixels":
            return 1.0
        if self.scale is None or self.scale.size != 1:
            raise BenchError("--input int8 needs --scale with one value, that of one step of the feature map")
        return positive_number("--scale", float(self.scale[0]))


NOTHING_SAID = InputOptions("pixels", None, None, None)
"""Pixels, and all that the file says of them."""


def input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--input``, ``--mean``, ``--scale`` and ``--std`` to a command, which gets ``described: InputOptions``."""

    @wraps(command)
    def with_description(*, kind: str, mean: Reals | None, scale: Reals | None, std: Reals | None, **own: Any) -> Any:
        return command(described=InputOptions(kind, mean, scale, std), **own)

    decorated: Callable[..., Any] = with_description
    for option in (
        click.option(
            "--std",
            type=_Numbers(),
            help="In place of --scale: real = (pixel - mean) / std. (pixel / 255 - m) / s is --mean 255*m --std 255*s.",
        ),
        click.option(
            "--scale", type=_Numbers(), help="Real value of one pixel step, one or one a channel. [default: 1]"
        ),
        click.option(
            "--mean",
            type=_Numbers(),
            help="What the network's file leaves out: real = (pixel - mean) * scale, mean in pixel steps, "
            "one or one a channel, in the network's order of channels. [default: 0]",
        ),
        click.option(
            "--input",
            "kind",
            type=click.Choice(["pixels", "int8"]),
            default="pixels",
            show_default=True,
            help="Bytes 0..255 of 1 to 4 channels, or an int8 feature map of any.",
        ),
    ):
        decorated = option(decorated)
    return decorated


def _preprocessing(mean: Reals | None, scale: Reals | None) -> Preprocessing:
    nothing = Preprocessing()
    return Preprocessing(nothing.mean if mean is None else mean, nothing.scale if scale is None else scale)
