"""The digits images and their one fixed split into training and test images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

SIDE = 8
"""Height and width of an image."""

TEST_EVERY = 5


@dataclass(frozen=True)
class DigitsSplit:
    """Images uint8 (N, 1, 8, 8), pixels 0..255; labels int64 (N,), digits 0..9."""

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int64]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int64]


def load() -> DigitsSplit:
    """Return the 1797 images of ``sklearn.datasets.load_digits``, 1437 to train on and 360 to test on.

    A grey value g of 0..16 becomes the pixel g * 255 // 16, so that white is 255.

    The split depends on nothing but the data: the images are put in order of their digit, those of one
    digit as the data set has them, and every fifth one, starting with the first, is a test image.
    Each digit so gives a fifth of its images, to within one. Both parts keep the data set's order.
    """
    digits = load_digits()
    images = (digits.images.astype(np.int64) * 255 // 16).astype(np.uint8)[:, np.newaxis]
    labels = digits.target.astype(np.int64)
    is_test = np.zeros(len(labels), dtype=np.bool_)
    is_test[np.argsort(labels, kind="stable")[::TEST_EVERY]] = True
    return DigitsSplit(images[~is_test], labels[~is_test], images[is_test], labels[is_test])
