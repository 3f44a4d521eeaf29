"""Where a layer's output is wrong on the board, as what causes are inferred from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.device.points import Written
from nvdla_int8.surfaces.layout import channels_last


class BoardAtoms(NamedTuple):
    """A layer's output as atoms; all but ``written`` are bool (S, H, W).

    Attributes
    ----------
    written
        The golden device's, with what lay there before.
    board
        The board's bytes, uint8 (S, H, W, A).
    known
        Every byte is in a dump.
    wrong
        A byte of it is wrong.
    old
        Every byte that is known is what lay there before.
    """

    written: Written
    board: NDArray[np.uint8]
    known: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    old: NDArray[np.bool_]


def wrong_bytes(scene: Scene) -> NDArray[np.bool_] | None:
    """Which bytes of the output are wrong, bool (lanes, H, W); None when no dump tells."""
    if scene.board is None:
        return None
    wrong: NDArray[np.bool_] = scene.board.known & (scene.board.values != scene.expected)
    return wrong


def board_atoms(scene: Scene) -> BoardAtoms | None:
    """The output as atoms; None when no dump tells."""
    if scene.board is None:
        return None
    run = scene.layer.run
    length = run.destination.unit_bytes
    units = channels_last(scene.expected, length)
    board, known = channels_last(scene.board.values, length), channels_last(scene.board.known, length)
    return BoardAtoms(
        Written(run.destination.unit_addresses(), units, run.overwritten),
        board,
        np.all(known, axis=-1),
        np.any(known & (board != units), axis=-1),
        np.all(~known | (board == run.overwritten), axis=-1),
    )
