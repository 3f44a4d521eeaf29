"""Outputs that are old: the layer never ran, software looked too early, or saw lines of its cache."""

from collections.abc import Iterator
from functools import partial
from math import log2

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.beats.stream_order import in_stream_order, in_strip_order
from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.wrong_places import BoardAtoms, board_atoms, choice_bits
from nvdla_int8.device.points import Point, Written

CACHE_LINES = (32, 64, 128)
"""Bytes of a line of the caches that boards have."""


def suggest_old_output(scene: Scene) -> Iterator[Cause]:
    """The whole output, then parts of it that the board shows to be old."""
    yield Cause(
        "never-ran",
        Family.CONTROL,
        "the driver",
        "the layer never ran: its output is what lay there before",
        "Check that D_OP_ENABLE of every block of the layer is written, and wait for its interrupt.",
        (Change(Point.WRITTEN, _all_old),),
        everywhere=True,  # an NVDLA without clock or memory runs none
    )
    yield Cause(
        "interrupt-early",
        Family.CONTROL,
        "the driver",
        "software read the output before the layer had written it",
        "Wait for this layer's own interrupt bit, and clear it before the layer is enabled.",
        (Change(Point.READ_BACK, _all_old),),
        everywhere=True,
    )
    atoms = board_atoms(scene)
    if atoms is None or not atoms.wrong.any():
        return
    yield from _last_writes(scene, atoms)
    yield from _stale_lines(atoms)


def _last_writes(scene: Scene, atoms: BoardAtoms) -> Iterator[Cause]:
    """E8: all atoms from one on, in the order in which they are written, are old."""
    order = write_order(scene)
    wrong = np.flatnonzero(atoms.wrong.ravel()[order])
    first, count = int(wrong[0]), order.size
    late = np.zeros(count, np.bool_)
    late[order[first:]] = True
    if first == 0 or (atoms.known & ~atoms.old).ravel()[late].any():
        return
    missing = count - first
    yield Cause(
        "last-writes-missing",
        Family.CONTROL,
        "memory",
        f"software read the output before the last {missing:,} of its {count:,} atoms were in memory (E8)",
        "The interrupt comes before the last writes have landed: read the status back and wait some microseconds.",
        (Change(Point.READ_BACK, partial(_old_at, late)),),
        freedom_bits=log2(count),
    )


def _stale_lines(atoms: BoardAtoms) -> Iterator[Cause]:
    """Cache lines of the output all of whose bytes are old, and at least one of them wrong."""
    length = atoms.written.units.shape[-1]
    for line in CACHE_LINES:
        if line <= length:
            continue
        number = (atoms.written.starts // line).ravel()
        lines, of = np.unique(number, return_inverse=True)
        wrong = np.bincount(of, atoms.wrong.ravel(), len(lines)) > 0
        bad = np.bincount(of, (atoms.known & ~atoms.old).ravel(), len(lines)) > 0
        if bad[wrong].any():
            continue
        if wrong.all():
            return
        yield Cause(
            "missed-invalidate",
            Family.CONTROL,
            "the driver",
            f"software saw {np.count_nonzero(wrong):,} of {len(lines):,} cache lines of {line} bytes as before",
            "Invalidate the cache over the whole output, in whole lines, after the interrupt and before it is read.",
            (Change(Point.READ_BACK, partial(_old_at, wrong[of])),),
            freedom_bits=choice_bits(int(np.count_nonzero(wrong)), len(lines)),
        )


def write_order(scene: Scene) -> NDArray[np.int64]:
    """Numbers of the output's atoms, as they lie in (S, H, W), in the order in which they are written."""
    shape = scene.layer.run.destination.unit_addresses().shape
    numbers = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    if scene.layer.run.lrn is not None:
        return in_strip_order(numbers)
    if scene.pooling is not None:
        parts = [numbers[:, :, part.out_columns].ravel() for part in scene.pooling.parts]
        return np.concatenate(parts)
    build = scene.timeline.build
    return in_stream_order(numbers, build.atomic_k // build.memory_atom)


def _all_old(written: Written, _: Scene) -> Written:
    return written._replace(units=written.before)


def _old_at(old: NDArray[np.bool_], written: Written, _: Scene) -> Written:
    """``old`` for each atom, flat."""
    where = old.reshape(written.starts.shape)[..., None]
    return written._replace(units=np.where(where, written.before, written.units))
