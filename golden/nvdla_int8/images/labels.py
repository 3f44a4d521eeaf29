"""Labels: the class of each image, from a file or from the pictures' names; the classes that outputs give."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.images.arrays import ArrayFile
from nvdla_int8.images.images import Images

FROM_NAMES = "names"
"""In place of a file: pictures are called ``NUMBER_LABEL.jpg``."""

USUAL_NAMES = ("labels", "y")
"""Arrays of an archive that are taken for the labels."""


def read_labels(source: str, images: Images) -> NDArray[np.int64]:
    """Read the class of each image, (N,) from 0.

    Parameters
    ----------
    source
        ``names``, or a file: ``.npy``, ``.npz`` with an array ``labels``, or text with a number in each line.
    images
        What they are the labels of.

    Raises
    ------
    BenchError
        Something that is no class, or more or fewer labels than images.
    """
    if source == FROM_NAMES:
        return np.array([_label_in(images.name(index)) for index in range(len(images))], np.int64)
    path = Path(source)
    labels = _text(path) if path.suffix.lower() == ".txt" else _array(path)
    with located(source):
        for index in np.flatnonzero(labels < 0)[:1]:
            raise BenchError(f"label {labels[index]} of image {index} is below 0")
        if len(labels) != len(images):
            raise BenchError(f"{len(labels)} labels for the {len(images)} images of {images.path}")
    return labels


def _label_in(name: str) -> int:
    found = re.fullmatch(r".*_(\d{1,9})", Path(name).stem)
    if found is None:
        raise BenchError(f"{name}: --labels {FROM_NAMES} needs pictures called NUMBER_LABEL, such as 0_7.jpg")
    return int(found[1])


def _text(path: Path) -> NDArray[np.int64]:
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as error:
        raise BenchError(f"{path}: {file_trouble(error)}") from None
    except UnicodeDecodeError:
        raise BenchError(f"{path}: not UTF-8 text") from None
    while lines and not lines[-1].strip():
        lines.pop()
    labels = []
    for number, line in enumerate(lines, start=1):
        if not re.fullmatch(r"\d{1,9}", line.strip()):
            raise BenchError(f"{path}:{number}: {line.strip()[:40]!r} is not a class, a number from 0")
        labels.append(int(line))
    return np.array(labels, np.int64)


def _array(path: Path) -> NDArray[np.int64]:
    labels = ArrayFile(path, USUAL_NAMES).whole()
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1:
        raise BenchError(f"{path}: {labels.dtype} {labels.shape}, labels are integers (N,)")
    return labels.astype(np.int64)


def top1(outputs: NDArray[np.number]) -> NDArray[np.int64]:
    """Class of each image: the channel with the largest value of (N, K, 1, 1); the first of equals."""
    classes: NDArray[np.int64] = outputs.reshape(outputs.shape[0], -1).argmax(axis=1)
    return classes


def accuracy(outputs: NDArray[np.number], labels: NDArray[np.integer]) -> float:
    """Share of images whose :func:`top1` is the label."""
    return float(np.mean(top1(outputs) == labels))
