"""Labels: from files and names, and what is no label."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nvdla_int8.errors import BenchError
from nvdla_int8.images.images import Images, Wanted
from nvdla_int8.images.labels import read_labels
from nvdla_int8.images.open import open_images


@pytest.fixture
def images(tmp_path: Path) -> Images:
    (tmp_path / "pictures").mkdir()
    for number, label in ((0, 7), (1, 12), (2, 0)):
        Image.new("L", (2, 2)).save(tmp_path / f"pictures/{number}_{label}.png")
    return open_images(tmp_path / "pictures", Wanted("net", 1))


@pytest.mark.parametrize("form", ["names", "npy", "npz", "txt"])
def test_labels_come_in_every_form(form: str, images: Images, tmp_path: Path) -> None:
    path = tmp_path / f"l.{form}"
    match form:
        case "npy":
            np.save(path, np.array([7, 12, 0], np.uint8))
        case "npz":
            np.savez(path, images=np.zeros(3), labels=np.array([7, 12, 0]))
        case "txt":
            path.write_text("7\n 12\r\n0\n\n")
    labels = read_labels("names" if form == "names" else str(path), images)
    assert labels.dtype == np.int64
    assert labels.tolist() == [7, 12, 0]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("l.npy", np.array([1, 2]), "l.npy: 2 labels for the 3 images of "),
        ("l.npy", np.array([1, -2, 3]), "l.npy: label -2 of image 1 is below 0"),
        ("l.npy", np.array([1.0, 2.0, 3.0]), "labels are integers (N,)"),
        ("l.npy", np.eye(3, dtype=int), "labels are integers (N,)"),
        ("l.txt", "1\ncat\n3", "l.txt:2: 'cat' is not a class, a number from 0"),
        ("l.txt", "1\n\n3", "l.txt:2: '' is not a class"),
        ("none.txt", None, "none.txt: no such file"),
    ],
)
def test_labels_that_cannot_be_used_are_one_line(
    name: str, content: str | NDArray[np.generic] | None, words: str, images: Images, tmp_path: Path
) -> None:
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(BenchError) as caught:
        read_labels(str(path), images)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_without_a_label_are_named(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "cat.png")
    with pytest.raises(BenchError, match=r"cat\.png: --labels names needs pictures called NUMBER_LABEL"):
        read_labels("names", open_images(tmp_path, Wanted("net", 1)))
