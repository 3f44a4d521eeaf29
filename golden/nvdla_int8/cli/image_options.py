"""The options that tell how images become what a network takes, the same for all commands."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from nvdla_int8.cli.printing import warn
from nvdla_int8.images.images import Images, Wanted
from nvdla_int8.images.open import open_images

IMAGES_HELP = "A folder of PNG, JPEG, PGM or PPM pictures in the order of their names, a picture, an .npy or .npz file."
"""What ``--images`` takes, for the commands' help."""


@dataclass(frozen=True)
class ImageOptions:
    """How images become what a network takes."""

    order: str = "rgb"
    resize: bool = False
    convert: bool = False

    def arguments(self) -> list[str]:
        """The words of the command line that say the same again."""
        words = [] if self.order == "rgb" else ["--order", self.order]
        return words + ["--resize"] * self.resize + ["--convert"] * self.convert

    def opened(self, path: Path, wanted: Wanted) -> Images:
        """Open images as the options say; what is done to them is warned of. BenchError with the file."""
        asked = replace(wanted, bgr=self.order == "bgr", resize=self.resize, convert=self.convert)
        images = open_images(path, asked)
        for note in images.notes:
            warn(note)
        return images


AS_THEY_ARE = ImageOptions()
"""Images that fit the network."""


def image_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--order``, ``--resize`` and ``--convert`` to a command, which gets ``handled: ImageOptions``."""

    @wraps(command)
    def with_images(*, order: str, resize: bool, convert: bool, **own: Any) -> Any:
        return command(handled=ImageOptions(order, resize, convert), **own)

    decorated: Callable[..., Any] = with_images
    for option in (
        click.option(
            "--convert", is_flag=True, help="Turn grey pictures into coloured ones or back, drop transparency."
        ),
        click.option(
            "--resize", is_flag=True, help="Bring pictures to the network's size; their proportions may change."
        ),
        click.option(
            "--order",
            type=click.Choice(["rgb", "bgr"]),
            default="rgb",
            show_default=True,
            help="The network's channels; images come as rgb, and bgr, which Caffe's mostly take, turns them round.",
        ),
    ):
        decorated = option(decorated)
    return decorated
