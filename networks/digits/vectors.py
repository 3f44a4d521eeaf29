"""Register programs of the demo network for a few images it was not trained on, in every form.

``python -m networks.digits.vectors`` writes them to ``sim_build/vectors/digits``.
"""

import hashlib
from pathlib import Path

import click

from networks.digits import data
from networks.digits.files import ONNX, TABLE
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.compiler.forms import WRITERS
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.images.labels import top1
from nvdla_int8.json_files import write_json
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import quantise_network

FOLDER = Path("sim_build/vectors/digits")
IMAGES = (0, 1, 2, 3)
"""Numbers among the test images."""
INDEX = "index.json"


def write_vectors(folder: Path) -> Path:
    """Write a folder for each image, with a trace that checks every layer, and the index of them all.

    The index tells each image's number among the test images, its label, the class that the INT8
    network gives it, and its files with their SHA-256. The same bytes come out every time.

    Returns
    -------
    Path
        The index.
    """
    network = quantise_network(read_onnx(ONNX), read_table(TABLE)).network
    split = data.load()
    entries = []
    for number in IMAGES:
        image = split.test_images[number]
        name, target = f"digits_{number}", folder / f"image_{number}"
        for stale in target.glob(f"{name}*"):
            stale.unlink()
        program = write_program(name, network, image)
        for write in WRITERS.values():
            write(program, target)
        [int8_class] = top1(network.run(image)[-1].output[None])
        entries.append(
            {
                "image": number,
                "label": int(split.test_labels[number]),
                "int8_class": int(int8_class),
                "files": {
                    path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                    for path in sorted(target.glob(f"{name}*"))
                },
            }
        )
    index = folder / INDEX
    write_json({"vectors": entries}, index)
    return index


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=FOLDER, show_default=True, help="Folder to write.")
def main(output: Path) -> None:
    """Write the demo network's register programs for bench and board."""
    index = write_vectors(output)
    click.echo(f"{index}: {len(IMAGES)} images, each as {', '.join(WRITERS)}")


if __name__ == "__main__":
    main()
