"""Inputs that are old in part: cache lines that software did not flush, rows and surfaces that were not there yet."""

from collections.abc import Iterator, Sequence
from functools import partial
from math import log2
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.old_input import writers_of
from nvdla_int8.checkup.causes.old_output import CACHE_LINES
from nvdla_int8.checkup.history import bytes_before
from nvdla_int8.checkup.layer_reads import INPUTS, Read, layer_reads
from nvdla_int8.checkup.read_places import Footprints, input_addresses, input_surface, operand_bytes, weight_addresses
from nvdla_int8.checkup.sum_evidence import KernelEvidence
from nvdla_int8.checkup.wrong_places import choice_bits, wrong_bytes
from nvdla_int8.device.points import Point
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory

SHARES = (0.95, 0.7, 0.4)
"""How much of what a line reaches has to be wrong for it to be taken for stale, in turn."""

MOST_LINES, MOST_KERNELS = 6, 8
"""Single lines of weights that are tried, and kernels whose errors they are held against."""

Indices = NDArray[np.int64]

ONE, NONE = np.ones(1, np.int64), np.zeros(1, np.int64)


class _Old(NamedTuple):
    """What a read would have found earlier: the bytes that differ, and what was there."""

    addresses: Indices
    values: NDArray[np.uint8]
    words: str

    def only(self, chosen: NDArray[np.bool_]) -> "_Old":
        """Some of the bytes."""
        return _Old(self.addresses[chosen], self.values[chosen], self.words)


class _Doubt(NamedTuple):
    """How much speaks for it that bytes of a read were old: (N,) each.

    ``reached`` are pixels of the output that a byte reaches, ``wrong`` the wrong ones of these; ``atom`` is the byte's
    atom of channels where different ones reach the same pixels.
    """

    addresses: Indices
    reached: Indices
    wrong: Indices
    atom: Indices


def suggest_stale_lines(scene: Scene) -> Iterator[Cause]:
    """Of everything that the layer reads, by the bytes of its output that are wrong."""
    wrong = wrong_bytes(scene)
    if wrong is None or not wrong.any():
        return
    for read in layer_reads(scene):
        doubt = _doubt(scene, read, wrong)
        if doubt is None:
            continue
        for old in _older(scene, read):
            yield from _lines(read, doubt, old)
            if read.what == "weights":
                yield from _weight_lines(scene, read, old, wrong)
            if read.what in INPUTS:
                yield from _incomplete(scene, read, old)


def _older(scene: Scene, read: Read) -> Iterator[_Old]:
    """What lay there before the last one who wrote it, and zeros."""
    now = scene.state.memory.read(read.addresses, 1)[:, 0]
    seen = []
    for position in writers_of(scene, read)[:1]:
        older = bytes_before(scene.timeline, position, read.addresses)
        seen.append(_Old(read.addresses, older, "what was there before"))
    if not seen or seen[0].values.any():
        seen.append(_Old(read.addresses, np.zeros_like(now), "zeros"))
    for old in seen:
        yield old.only(old.values != now)


# ---- Cache lines --------------------------------------------------------------------------------


def _lines(read: Read, doubt: _Doubt, old: _Old) -> Iterator[Cause]:
    """The lines that reach what is wrong; of a convolution's input also those of one atom of channels alone."""
    for line in CACHE_LINES:
        numbers, of = np.unique(doubt.addresses // line, return_inverse=True)
        reached = np.bincount(of, doubt.reached, numbers.size)
        hit = np.bincount(of, doubt.wrong, numbers.size)
        atom = np.zeros(numbers.size, np.int64)
        atom[of] = doubt.atom
        tried = set()
        for share in SHARES:
            stale = (hit > 0) & (hit >= share * reached)
            for chosen in (stale, *(stale & (atom == one) for one in np.unique(atom[stale]))):
                mask = chosen.tobytes()
                if mask not in tried and 0 < np.count_nonzero(chosen) < numbers.size:
                    tried.add(mask)
                    yield _line_cause(read, line, numbers[chosen], old, numbers.size)


def _weight_lines(scene: Scene, read: Read, old: _Old, wrong: NDArray[np.bool_]) -> Iterator[Cause]:
    """Single lines of weights: those whose loss goes with the errors of the kernels."""
    assert scene.convolution is not None, "a convolution"
    if scene.pooling is not None:
        return
    addresses = weight_addresses(scene)
    kernels = np.flatnonzero(np.any(wrong[: len(addresses)], axis=(1, 2)))[:MOST_KERNELS].tolist()
    first = int(addresses.min())
    now = scene.state.memory.read_bytes(first, addresses.size)
    before = np.frombuffer(now, np.int8).copy()
    before[old.addresses - first] = old.values.view(np.int8)
    evidence = {kernel: KernelEvidence(scene, kernel, wrong[kernel]) for kernel in kernels}
    for line in CACHE_LINES:
        numbers, of = np.unique(addresses // line, return_inverse=True)
        by_kernel = of.reshape(len(addresses), -1)
        scores = np.zeros(numbers.size)
        for kernel, one in evidence.items():
            changes = before[addresses[kernel].ravel() - first].astype(np.int64) - one.weights
            scores += one.agreement(by_kernel[kernel], numbers.size, changes)
        for best in np.argsort(-scores, kind="stable")[:MOST_LINES]:
            yield _line_cause(read, line, numbers[best : best + 1], old, numbers.size)


def _line_cause(read: Read, line: int, stale: Indices, old: _Old, lines: int) -> Cause:
    what = f"{stale.size:,} of {lines:,} cache lines of {line} bytes of its {read.what}"
    where = f" at {int(stale[0]) * line:#x}" if stale.size == 1 else ""
    return Cause(
        "missed-flush",
        Family.CONTROL,
        "the driver",
        f"{what}{where} were not flushed: the layer read {old.words}",
        "Flush the cache over all that the layer reads, in whole lines, before it is enabled.",
        (Change(Point.MEMORY, partial(_put, old.only(np.isin(old.addresses // line, stale)))),),
        freedom_bits=choice_bits(stale.size, lines),
    )


def _put(old: _Old, memory: Memory, _: Scene) -> Memory:
    memory.write(old.addresses, old.values[:, None])
    return memory


def _doubt(scene: Scene, read: Read, wrong: NDArray[np.bool_]) -> _Doubt | None:
    """How many pixels of the output the bytes of a read reach, and how many of these are wrong."""
    if read.what in INPUTS:
        surface = input_surface(scene)
        assert surface is not None, "the input is read"
        addresses = input_addresses(surface)
        atoms = len(addresses) // surface.memory_atom if isinstance(surface, FeatureSurface) else 1
        prints = Footprints(scene)
        reached, hit = prints.counts(atoms, *addresses.shape[1:])
        each = len(addresses) // atoms
        atom = np.arange(len(addresses))[:, None, None] // each * prints.mixes_channels
        return _doubt_of(addresses, np.repeat(reached, each, axis=0), np.repeat(hit, each, axis=0), atom)
    if read.what == "weights":
        addresses = weight_addresses(scene)
        by_kernel = np.any(wrong[: len(addresses)], axis=(1, 2), keepdims=True)[..., None]
        return _doubt_of(addresses, ONE, by_kernel, NONE)
    which = read.what.split()[0].lower()
    addresses, per_element = operand_bytes(scene, which)
    if per_element and scene.pooling is not None:
        return None
    by_operand = wrong if per_element else np.any(wrong, axis=(1, 2), keepdims=True)
    return _doubt_of(addresses, ONE, by_operand[..., None], NONE)


def _doubt_of(addresses: Indices, reached: NDArray[Any], wrong: NDArray[Any], atom: NDArray[Any]) -> _Doubt:
    parts = (np.broadcast_to(part, addresses.shape).astype(np.int64).ravel() for part in (reached, wrong, atom))
    return _Doubt(addresses.ravel(), *parts)


# ---- What was there already ---------------------------------------------------------------------


def _incomplete(scene: Scene, read: Read, old: _Old) -> Iterator[Cause]:
    """The first rows, or atoms of channels, were there, the others were not."""
    surface = input_surface(scene)
    assert surface is not None, "the input is read"
    addresses = input_addresses(surface)
    channels, height, _ = addresses.shape
    atoms = max(channels // surface.memory_atom, 1)
    for row in _first_rows(scene, height):
        late = np.isin(old.addresses, addresses[:, row:])
        yield _incomplete_cause(read, f"the first {row} of {height} rows", old.only(late), log2(height))
    for atom in range(1, atoms):
        late = np.isin(old.addresses, addresses[atom * surface.memory_atom :])
        words = f"the first {atom * surface.memory_atom} channels"
        yield _incomplete_cause(read, words, old.only(late), log2(atoms))


def _first_rows(scene: Scene, height: int) -> Sequence[int]:
    """Rows of the input that can be the first old one: those that reach the first wrong row of the output."""
    prints = Footprints(scene)
    first_wrong = int(np.argwhere(prints.wrong)[:, 1].min())
    top, bottom, _, _ = prints.reached(np.arange(height), np.zeros(1, np.int64))
    return [row for row in range(1, height) if top[row] <= first_wrong < bottom[row]]


def _incomplete_cause(read: Read, words: str, old: _Old, freedom_bits: float) -> Cause:
    return Cause(
        "input-incomplete",
        Family.CONTROL,
        "the driver",
        f"only {words} of its {read.what} were there when it ran; it read {old.words} for the others",
        "Wait until whoever writes the input has finished, and until the writes have landed.",
        (Change(Point.MEMORY, partial(_put, old)),),
        freedom_bits=freedom_bits,
    )
