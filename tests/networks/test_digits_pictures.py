"""The digits as PNG files: what the data set holds, called after number and label."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from networks.digits import data, pictures
from nvdla_int8.images.images import Wanted
from nvdla_int8.images.labels import FROM_NAMES, read_labels
from nvdla_int8.images.open import open_images


def test_pictures_hold_the_split_in_its_order(tmp_path: Path) -> None:
    done = CliRunner().invoke(pictures.main, ["--output", str(tmp_path)])
    assert done.output.splitlines() == [f"{tmp_path}/train", f"{tmp_path}/held_out"]
    split = data.load()
    for part, images, labels in (
        (pictures.TRAIN, split.train_images, split.train_labels),
        (pictures.HELD_OUT, split.test_images, split.test_labels),
    ):
        read = open_images(tmp_path / part, Wanted("the digits", 1))
        np.testing.assert_array_equal(read.all(), images)
        np.testing.assert_array_equal(read_labels(FROM_NAMES, read), labels)
