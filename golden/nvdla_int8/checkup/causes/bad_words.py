"""One bad word of RAM: eight bytes of what a layer reads or writes that are zero, or have one wrong bit."""

from collections.abc import Iterator
from functools import partial
from math import log2

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.faults import BYTE_BITS, input_point
from nvdla_int8.checkup.layer_reads import INPUTS, layer_reads
from nvdla_int8.checkup.read_places import Footprints, input_addresses, input_surface, operand_bytes, weight_addresses
from nvdla_int8.checkup.sum_evidence import KernelEvidence, agreement_of_elements
from nvdla_int8.checkup.wrong_places import board_atoms, wrong_bytes
from nvdla_int8.device.points import Point, Written
from nvdla_int8.surfaces.memory import Memory

WORD = 8
"""Bytes of a word."""

ALTERNATIVES = WORD * BYTE_BITS + 1
"""What can be wrong with a word that is looked for: it is zero, or one bit is the other way."""

LIKELIEST = 12
"""Elements whose bits are tried: those that fit best what is wrong."""

MOST_WORDS = 48
"""Words that are tried as zero."""

ADVICE = "Write and read back a pattern at this address; run again with the tensor in another place."

Indices = NDArray[np.int64]


def suggest_bad_words(scene: Scene) -> Iterator[Cause]:
    """Words that the wrong bytes leave in question: of the output, of weights and operands, of the input."""
    wrong = wrong_bytes(scene)
    if wrong is None or not wrong.any():
        return
    yield from _of_output(scene)
    if scene.convolution is not None and any(read.what == "weights" for read in layer_reads(scene)):
        yield from _of_weights(scene, wrong)
    yield from _of_operands(scene, wrong)
    if input_surface(scene) is not None:
        yield from _of_input(scene, wrong)


def _of_output(scene: Scene) -> Iterator[Cause]:
    """All that is wrong lies in one word."""
    atoms = board_atoms(scene)
    assert atoms is not None, "the board's output is known"
    places = np.argwhere(atoms.wrong)
    length = atoms.written.units.shape[-1]
    if len(places) != 1 or length != WORD:
        return
    place = tuple(places[0])
    board, right = atoms.board[place], atoms.written.units[place]
    flipped = np.unpackbits(board ^ right)
    address = int(atoms.written.starts[place])
    freedom_bits = log2(atoms.wrong.size * ALTERNATIVES)
    if not board.any():
        words = f"the 8-byte word at {address:#x} of the output is 0"
    elif flipped.sum() == 1:
        words = f"one bit of the 8-byte word at {address:#x} of the output is the other way"
    else:
        words = f"the 8-byte word at {address:#x} of the output is not what was written"
        freedom_bits = log2(atoms.wrong.size) + WORD * BYTE_BITS
    change = Change(Point.WRITTEN, partial(_with_word, address, board.copy()))
    yield _cause("the memory", words, change, freedom_bits)


def _cause(unit: str, words: str, change: Change, freedom_bits: float) -> Cause:
    return Cause("bad-memory-word", Family.HARDWARE, unit, words, ADVICE, (change,), freedom_bits=freedom_bits)


def _with_word(address: int, word: NDArray[np.uint8], written: Written, _: Scene) -> Written:
    here = (written.starts == address)[..., None]
    return written._replace(units=np.where(here, word, written.units))


# ---- What is read -------------------------------------------------------------------------------


def _of_words(what: str, addresses: Indices, total: int) -> Iterator[Cause]:
    """The words that these bytes are in, as zero."""
    for word in list(dict.fromkeys(int(address) // WORD * WORD for address in addresses))[:MOST_WORDS]:
        words = f"the 8-byte word at {word:#x} of its {what} is 0"
        change = Change(Point.MEMORY, partial(_zeroed, word))
        yield _cause("the memory", words, change, log2(max(total // WORD, 1) * ALTERNATIVES))


def _of_bits(what: str, addresses: Indices, total: int) -> Iterator[Cause]:
    """Every bit of these bytes."""
    for address in map(int, addresses):
        for bit in range(BYTE_BITS):
            words = f"bit {bit} of the byte at {address:#x} of its {what} is the other way"
            change = Change(Point.MEMORY, partial(_flipped, address, bit))
            yield _cause("the memory", words, change, log2(max(total // WORD, 1) * ALTERNATIVES))


def _zeroed(word: int, memory: Memory, _: Scene) -> Memory:
    memory.clear(word, WORD)
    return memory


def _flipped(address: int, bit: int, memory: Memory, _: Scene) -> Memory:
    here = np.array([address], np.int64)
    memory.write(here, memory.read(here, 1) ^ np.uint8(1 << bit))
    return memory


def _best(scores: NDArray[np.float64], count: int) -> Indices:
    """Flat places of the highest scores above 0, best first."""
    flat = scores.ravel()
    order = np.argsort(-flat, kind="stable")[:count]
    return order[flat[order] > 0]


def _of_weights(scene: Scene, wrong: NDArray[np.bool_]) -> Iterator[Cause]:
    """One kernel is wrong: the taps whose inputs go with the errors."""
    assert scene.convolution is not None, "a convolution"
    convolution = scene.convolution
    kernels = np.flatnonzero(wrong[: convolution.kernels].any(axis=(1, 2)))
    if kernels.size != 1 or wrong[convolution.kernels :].any() or scene.pooling is not None:
        return
    [kernel] = kernels.tolist()
    addresses = weight_addresses(scene)
    evidence = KernelEvidence(scene, kernel, wrong[kernel])
    own = addresses[kernel].ravel()
    words, of = np.unique(own // WORD, return_inverse=True)
    lost = evidence.agreement(of, words.size, -evidence.weights)
    total = addresses.size
    yield from _of_words("weights", words[_best(lost, LIKELIEST)] * WORD, total)
    yield from _of_bits("weights", own[_best(evidence.agreement_of_taps(), LIKELIEST)], total)


def _of_operands(scene: Scene, wrong: NDArray[np.bool_]) -> Iterator[Cause]:
    """The words with the operands of the channels that are wrong, or of the elements."""
    if scene.sdp is None:
        return
    for which in ("x1", "x2"):
        stage = scene.sdp.stages[which]
        if not (stage.reads_alu or stage.reads_mul) or scene.pooling is not None:
            continue
        addresses, per_element = operand_bytes(scene, which)
        each = wrong if per_element else np.any(wrong, axis=(1, 2), keepdims=True)
        hit = addresses[each]
        if hit.shape[0] > WORD:  # more elements than a word can hold
            continue
        what = f"{which.upper()} operands"
        yield from _of_words(what, hit.ravel(), addresses.size)
        yield from _of_bits(what, hit.ravel(), addresses.size)


def _of_input(scene: Scene, wrong: NDArray[np.bool_]) -> Iterator[Cause]:
    """The elements whose reach holds everything that is wrong."""
    surface = input_surface(scene)
    assert surface is not None, "the input is read"
    prints = Footprints(scene)
    addresses = input_addresses(surface)
    channels, height, width = addresses.shape
    surfaces = channels // surface.memory_atom if input_point(scene) is not None else 1
    size, hit = prints.counts(surfaces, height, width)
    suspects = np.greater(hit, 0) & np.equal(hit, int(prints.wrong.sum()))
    if not suspects.any():
        return
    what = next(read.what for read in layer_reads(scene) if read.what in INPUTS)
    lanes = np.repeat(suspects, channels // surfaces, axis=0)
    scores = np.where(lanes, 1.0, 0.0) * np.repeat(1.0 / np.maximum(size, 1), channels // surfaces, axis=0)
    if scene.convolution is not None and scene.pooling is None:
        scores = agreement_of_elements(scene, lanes, 4 * LIKELIEST)
    elif not prints.mixes_channels:
        by_channel = np.any(wrong, axis=(1, 2), keepdims=True)
        scores = np.where(by_channel[:channels], scores, 0.0)
    chosen = addresses.ravel()[_best(scores, 4 * LIKELIEST)]
    by_word = addresses.ravel()[_best(np.where(lanes, scores + 1e-6, 0.0), MOST_WORDS * WORD)]
    yield from _of_words(what, by_word, addresses.size)
    yield from _of_bits(what, chosen[:LIKELIEST], addresses.size)
