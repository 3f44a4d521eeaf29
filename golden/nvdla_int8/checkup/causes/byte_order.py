"""Mistakes in the order of bytes within words: of what a layer reads, and of what it writes."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import INPUT, Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.fetched_weights import fetched_weights
from nvdla_int8.checkup.causes.input_tensor import host_tensor, input_surface
from nvdla_int8.device.points import Point, Written
from nvdla_int8.surfaces.memory import Memory

BLOCK_BYTES = 16
"""Bytes in which every order swaps, from a multiple of this on."""

BUS_BYTES = 8

Bytes = NDArray[np.uint8]
Extent = tuple[int, int]


def _in_words(size: int, part: int = 1) -> Callable[[Bytes], Bytes]:
    """Parts of so many bytes in reverse within words of so many; takes uint8 (N, 8 or 16)."""
    return lambda blocks: blocks.reshape(len(blocks), -1, size // part, part)[:, :, ::-1].reshape(blocks.shape)


_VALUES = np.arange(256, dtype=np.uint8)


def _each(becomes: NDArray[np.integer]) -> Callable[[Bytes], Bytes]:
    """What each of the 256 bytes becomes."""
    table = becomes.astype(np.uint8)
    return lambda blocks: table[blocks]


ORDERS: tuple[tuple[str, int, Callable[[Bytes], Bytes]], ...] = (
    ("bytes are swapped in 32-bit words", 8, _in_words(4)),
    ("bytes are swapped in 64-bit words", 8, _in_words(8)),
    ("bytes are swapped in 16-bit words", 8, _in_words(2)),
    ("32-bit halves are swapped in 64-bit words", 8, _in_words(8, 4)),
    ("16-bit halves are swapped in 32-bit words", 8, _in_words(4, 2)),
    ("16-bit parts are in reverse in 64-bit words", 8, _in_words(8, 2)),
    ("64-bit halves are swapped in 128-bit words", 16, _in_words(16, 8)),
    ("bytes are swapped in 128-bit words", 16, _in_words(16)),
    ("nibbles are swapped in bytes", 8, _each(_VALUES << 4 | _VALUES >> 4)),
    ("bits are in reverse in bytes", 8, _each(np.packbits(np.unpackbits(_VALUES), bitorder="little"))),
)
"""Words, the bytes in which they swap, and what becomes of bytes (N, that many)."""

WEIGHTS, X1, X2 = "weights", "X1 operands", "X2 operands"
READS = (INPUT, WEIGHTS, X1, X2)


def suggest_byte_orders(scene: Scene) -> Iterator[Cause]:
    """Those of the tensors that this layer reads and writes."""
    reads = {what: extents for what in READS if (extents := _extents(scene, what))}
    for words, _, swap in ORDERS:
        for what in reads:
            key = f"{what.lower().replace(' ', '-').removesuffix('s')}-byte-order"
            change = Change(Point.MEMORY, partial(_swapped, wanted=(what,), swap=swap, host=False), (what,))
            yield _cause(key, f"{words} of the {_named(what)}", change)
    by_host = [what for what in reads if what != INPUT or host_tensor(scene) is not None]
    for words, size, swap in ORDERS:
        if len(by_host) > 1:
            everything = Change(Point.MEMORY, partial(_swapped, wanted=READS, swap=swap, host=True), READS)
            yield _cause("host-byte-order", f"{words} of all that software puts into memory", everything)
            if size == BUS_BYTES:
                back = Change(Point.READ_BACK, partial(_swapped_units, swap=swap))
                key = "host-byte-order"
                yield _cause(
                    key, f"{words} of all that software puts into memory, and of what it reads back", everything, back
                )
    for words, size, swap in ORDERS:
        if size == BUS_BYTES:
            for point, what in ((Point.READ_BACK, "as software reads it back"), (Point.WRITTEN, "as it is written")):
                change = Change(point, partial(_swapped_units, swap=swap))
                yield _cause("output-byte-order", f"{words} of the output, {what}", change)


def _named(what: str) -> str:
    return what if what in (INPUT, WEIGHTS) else f"operands of {what[:2]}"


def _extents(scene: Scene, what: str) -> list[Extent]:
    """Where some bytes lie that a layer reads, first and one beyond the last."""
    if what == INPUT:
        surface = input_surface(scene)
        return surface.extents() if surface is not None else []
    if what == WEIGHTS:
        weights = fetched_weights(scene)
        return [weights.layer.weight_extent] if weights is not None else []
    which = what[:2].lower()
    if scene.sdp is None:
        return []
    stage = scene.sdp.stages[which]
    return [scene.sdp.operand_surface(which).extent()] if stage.reads_alu or stage.reads_mul else []


def _swapped(
    memory: Memory, scene: Scene, wanted: tuple[str, ...], swap: Callable[[Bytes], Bytes], *, host: bool
) -> Memory:
    for what in wanted:
        if host and what == INPUT and host_tensor(scene) is None:
            continue
        for low, high in _extents(scene, what):
            base = low // BLOCK_BYTES * BLOCK_BYTES
            blocks = -(-(high - base) // BLOCK_BYTES)
            data = np.frombuffer(memory.read_bytes(base, blocks * BLOCK_BYTES), np.uint8)
            memory.write_bytes(base, swap(data.reshape(blocks, BLOCK_BYTES)).tobytes())
    return memory


def _swapped_units(written: Written, _scene: Scene, swap: Callable[[Bytes], Bytes]) -> Written:
    units = written.units.reshape(-1, BUS_BYTES)
    return written._replace(units=swap(np.ascontiguousarray(units)).reshape(written.units.shape))


def _cause(key: str, words: str, *changes: Change) -> Cause:
    advice = "Look at byte order and width of the copies between software and the hardware's memory."
    return Cause(key, Family.DATA, "memory", words, advice, changes, everywhere=True)
