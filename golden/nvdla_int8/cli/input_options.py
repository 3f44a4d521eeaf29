"""The options that tell what a network's input is, which its file and table do not."""

from collections.abc import Callable
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.preprocessing import Preprocessing

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


def input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--input``, ``--mean``, ``--scale`` and ``--std`` to a command that calls :func:`fed`."""
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
            "one or one a channel. [default: 0]",
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
        command = option(command)
    return command


def fed(network: FloatNetwork, kind: str, mean: Reals | None, scale: Reals | None, std: Reals | None) -> FloatNetwork:
    """Return the network with the input that the options describe; ``--scale`` of int8 is left to the command.

    Raises
    ------
    BenchError
        For options that exclude each other, or do not fit the network's channels.
    """
    if scale is not None and std is not None:
        raise BenchError("--scale and --std exclude each other: std is 1 / scale")
    if kind == "int8":
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


def _preprocessing(mean: Reals | None, scale: Reals | None) -> Preprocessing:
    nothing = Preprocessing()
    return Preprocessing(nothing.mean if mean is None else mean, nothing.scale if scale is None else scale)
