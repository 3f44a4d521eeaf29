"""Where a layer's output is wrong on the board, as what causes are inferred from."""

from math import comb, log2
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


def wrong_lanes(scene: Scene) -> list[int]:
    """Lanes of the output's atoms with a wrong byte; all when no dump tells."""
    wrong = wrong_bytes(scene)
    atom = scene.layer.run.destination.unit_bytes
    return [lane for lane in range(atom) if wrong is None or wrong[lane::atom].any()]


def spread_over_lanes(scene: Scene) -> bool:
    """What all channels feel can have made what is wrong: at least half of those that have bytes other than padding."""
    used = min(scene.layer.run.destination.channels, scene.layer.run.destination.unit_bytes)
    return 2 * len(wrong_lanes(scene)) >= used


def choice_bits(chosen: int, count: int) -> float:
    """Bits of freedom in taking so many of so many things: how many, and which."""
    return log2(count) + log2(comb(count, chosen))


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
