"""Which weights and inputs of a convolution go with a board's errors: what is multiplied by them looks alike."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Loaded

MOST_PIXELS = 400
"""At how many pixels inputs are held against errors."""

Indices = NDArray[np.int64]


class KernelEvidence:
    """What each weight of one kernel is multiplied by, beside the errors of its channel.

    Parameters
    ----------
    scene
        A convolution that writes to memory, with the board's output.
    kernel
        Its number.
    wrong
        Wrong pixels of its channel, (Ho, Wo).

    Attributes
    ----------
    weights
        The kernel's, int8 (C * R * S,).
    """

    def __init__(self, scene: Scene, kernel: int, wrong: NDArray[np.bool_]) -> None:
        assert scene.convolution is not None, "a convolution"
        loaded = scene.state.cbuf.found_by(scene.registers).load(scene.convolution, scene.state.memory)
        y, x = _some_pixels(wrong)
        self.weights = scene.convolution.weights(loaded.weights)[kernel].ravel()
        self._taps = _taps(scene.convolution, loaded, y, x)
        self._errors = errors_of(scene)[kernel, y, x]

    def agreement_of_taps(self) -> NDArray[np.float64]:
        """How well each weight's inputs go with the errors, (C * R * S,)."""
        return _cosines(self._taps, self._errors)

    def agreement(self, group_of: Indices, groups: int, changes: NDArray[np.integer]) -> NDArray[np.float64]:
        """How well the errors go with changes of some weights together.

        Parameters
        ----------
        group_of
            Number of each weight's group, (C * R * S,).
        groups
            How many there are.
        changes
            By how much each weight changes, (C * R * S,).

        Returns
        -------
        NDArray[np.float64]
            (groups,), 1 where the errors are a multiple of what the changes make of the sums.
        """
        sums = np.zeros((groups, self._errors.size))
        np.add.at(sums, group_of, self._taps * changes.astype(np.float64)[:, None])
        return _cosines(sums, self._errors)


def errors_of(scene: Scene) -> NDArray[np.float64]:
    """Board less golden device, (lanes, Ho, Wo); 0 where nothing is known."""
    assert scene.board is not None, "the board's output is known"
    difference = scene.board.values.view(np.int8).astype(np.float64) - scene.expected.view(np.int8)
    return np.where(scene.board.known, difference, 0.0)


def _cosines(candidates: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """How well the errors are a multiple of each candidate, (N, P) and (P,): the cosine between them, without sign."""
    size = np.sqrt((candidates**2).sum(axis=1) * (errors**2).sum())
    cosines: NDArray[np.float64] = np.abs(candidates @ errors) / np.maximum(size, 1e-9)
    return cosines


def _some_pixels(wrong: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """Pixels to compare at, (P,) each: the wrong ones first."""
    order = np.argsort(~wrong.ravel(), kind="stable")[:MOST_PIXELS]
    y, x = np.unravel_index(order, wrong.shape)
    return y, x


def _taps(convolution: ConvolutionLayer, loaded: Loaded, y: Indices, x: Indices) -> NDArray[np.float64]:
    """What each weight of a kernel is multiplied by at some output pixels, (C * R * S, P)."""
    geometry = convolution.geometry
    padded = convolution.padded(loaded.rows[: convolution.height]).astype(np.float64)
    rows = np.arange(convolution.kernel_h)[:, None] * geometry.dilation_y + y * geometry.stride_y
    columns = np.arange(convolution.kernel_w)[:, None] * geometry.dilation_x + x * geometry.stride_x
    return padded[:, rows[:, None], columns[None]].reshape(-1, y.size)


def agreement_of_elements(scene: Scene, suspects: NDArray[np.bool_], most_pixels: int) -> NDArray[np.float64]:
    """For each element of a convolution's input how well its weights go with the errors.

    Parameters
    ----------
    scene
        The layer, with the board's output.
    suspects
        The elements in question, (lanes, H, W) or (C, H, W).
    most_pixels
        Of how many pixels elements are looked at; those of others score 0.
    """
    assert scene.convolution is not None, "a convolution"
    convolution, geometry = scene.convolution, scene.convolution.geometry
    loaded = scene.state.cbuf.found_by(scene.registers).load(convolution, scene.state.memory)
    weights = convolution.weights(loaded.weights).astype(np.float64)
    errors = errors_of(scene)[: convolution.kernels]
    scores = np.zeros(suspects.shape)
    pixels = np.argwhere(suspects[: convolution.channels].any(axis=0))
    for y, x in pixels[:most_pixels]:
        pattern = np.zeros((convolution.channels, *errors.shape))
        for r in range(convolution.kernel_h):
            for s in range(convolution.kernel_w):
                row = y + convolution.pad_top - r * geometry.dilation_y
                column = x + convolution.pad_left - s * geometry.dilation_x
                if row % geometry.stride_y or column % geometry.stride_x:
                    continue
                oy, ox = int(row // geometry.stride_y), int(column // geometry.stride_x)
                if 0 <= oy < errors.shape[1] and 0 <= ox < errors.shape[2]:
                    pattern[:, :, oy, ox] = weights[:, :, r, s].T
        near = np.abs(pattern).sum(axis=(0, 1)) > 0
        reached = pattern[:, :, near].reshape(len(pattern), -1)
        scores[: convolution.channels, y, x] = _cosines(reached, errors[:, near].ravel())
    return np.where(suspects, scores, 0.0)
