"""The digits as pictures, for commands that take images from a folder: ``python -m networks.digits.pictures``.

``sim_build/digits_pictures`` then has the folders ``train`` and ``held_out`` of PNG files called ``NUMBER_LABEL.png``.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from PIL import Image

from networks.digits import data
from nvdla_int8.errors import writing

FOLDER = Path("sim_build/digits_pictures")
TRAIN, HELD_OUT = "train", "held_out"


def write_part(part: str, folder: Path = FOLDER) -> Path:
    """Write one part of the split into a folder of its own, which is returned."""
    split = data.load()
    images, labels = {
        TRAIN: (split.train_images, split.train_labels),
        HELD_OUT: (split.test_images, split.test_labels),
    }[part]
    target = folder / part
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
        # Another process may be reading them: each is there whole, as it was or as it is now.
        with TemporaryDirectory(dir=folder) as made:
            for number, (image, label) in enumerate(zip(images, labels, strict=True)):
                picture = Path(made) / f"{number:04}_{label}.png"
                Image.fromarray(image[0]).save(picture)
                picture.replace(target / picture.name)
    return target


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=FOLDER, show_default=True, help="Folder to write.")
def main(output: Path) -> None:
    """Write the digits as PNG files, the training images and those held out."""
    for part in (TRAIN, HELD_OUT):
        click.echo(write_part(part, output))


if __name__ == "__main__":
    main()
