"""The digits as pictures, for commands that take images from a folder: ``python -m networks.digits.pictures``.

``sim_build/digits_pictures`` then has the folders ``train`` and ``held_out`` of PNG files called ``NUMBER_LABEL.png``.
"""

from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from PIL import Image

from networks.digits import data
from nvdla_int8.errors import writing

FOLDER = Path("sim_build/digits_pictures")
TRAIN, HELD_OUT = "train", "held_out"


def write_pictures(folder: Path) -> dict[Path, int]:
    """Write both parts of the split; each part's folder with how many pictures it holds."""
    split = data.load()
    parts = {TRAIN: (split.train_images, split.train_labels), HELD_OUT: (split.test_images, split.test_labels)}
    return {folder / part: _write_part(folder / part, *content) for part, content in parts.items()}


def _write_part(folder: Path, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> int:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            Image.fromarray(image[0]).save(folder / f"{number:04}_{label}.png")
    return len(images)


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=FOLDER, show_default=True, help="Folder to write.")
def main(output: Path) -> None:
    """Write the digits as PNG files, the training images and those held out."""
    for folder, count in write_pictures(output).items():
        click.echo(f"{folder}: {count} pictures")


if __name__ == "__main__":
    main()
