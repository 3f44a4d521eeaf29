"""Puts a board's dump into its place: which addresses its bytes had, and after which layer they were read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.fitting_layer import output_of_shape, output_of_size, output_of_text
from nvdla_int8.checkup.layer_output import LayerOutput, find_output
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.timeline import HostWrite, Timeline, TimelineLayer
from nvdla_int8.dumps.board_tensor import ARRAY_NAMES, open_tensor
from nvdla_int8.dumps.dimg import MAGIC, is_dimg
from nvdla_int8.dumps.dump import KnownTensor
from nvdla_int8.dumps.dump_text import TEXT_LIMIT
from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.dumps.memory_dump import MemoryDump, read_memory_dump
from nvdla_int8.dumps.raw import is_text
from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.surfaces.memory import ADDRESS_LIMIT

_DECIMAL = re.compile(rb"-?[0-9]+")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F_]+|[0-9]+")


@dataclass(frozen=True)
class DumpArgument:
    """What a user says of a dump: ``FILE``, ``FILE@ADDRESS`` or ``FILE@LAYER``.

    Attributes
    ----------
    path
        The file; ``ARCHIVE.npz:NAME`` for one array of an archive.
    address
        Where its first byte lies; None when that is not said.
    layer
        The layer right after which it was read; "" when that is not said.
    """

    path: Path
    address: int | None = None
    layer: str = ""

    @classmethod
    def of(cls, argument: str) -> "DumpArgument":
        """Read an argument; BenchError for an address beyond 63 bits."""
        file, at, place = argument.rpartition("@")
        if not at or not file or Path(argument).exists():
            return cls(Path(argument))
        if not _NUMBER.fullmatch(place):
            if not place:
                raise BenchError(f"{argument}: behind @ there is no address and no layer")
            return cls(Path(file), layer=place)
        address = int(place, 0) if place[:2] in ("0x", "0X") else int(place)
        if address >= ADDRESS_LIMIT:
            raise BenchError(f"{argument}: {place} is beyond the highest address {ADDRESS_LIMIT - 1:#x}")
        return cls(Path(file), address)


def place_dump(argument: str, timeline: Timeline) -> Observed:
    """Read a dump and keep what the program is answerable for.

    Of memory these are bytes that its layers write or that software loaded; of a layer's tensor its channels.

    Parameters
    ----------
    argument
        ``FILE``, ``FILE@ADDRESS`` (the end of the run) or ``FILE@LAYER`` (right after it). A file without addresses
        and without a place is that of the one layer whose output it can be, by shape or size, or by its name.
    timeline
        The run.

    Raises
    ------
    BenchError
        One line: a file that cannot be read, a place that is none, bytes that lie beside the program's memory, a
        tensor of another shape.
    """
    told = DumpArgument.of(argument)
    output = find_output(told.layer, timeline) if told.layer else None
    if _holds_a_tensor(told.path):
        if told.address is not None:
            raise BenchError(f"{argument}: holds a tensor, which has no address: behind @ goes the layer that wrote it")
        return _of_tensor(told.path, output, timeline)
    dump = read_memory_dump(told.path)
    if output is not None:
        return _of_output(dump, output)
    if told.address is not None:
        return _of_memory(_moved(dump, told.address), timeline)
    if dump.absolute:
        return _of_memory(dump, timeline)
    return _of_output(dump, output_of_size(told.path, dump, timeline))


def place_dumps(arguments: Sequence[str], timeline: Timeline) -> tuple[Observed, ...]:
    """All dumps of a run; errors as of :func:`place_dump`, and for two that contradict each other in a byte."""
    placed = tuple(place_dump(argument, timeline) for argument in arguments)
    for at, one in enumerate(placed):
        for other in placed[at + 1 :]:
            _check_agreement(one, other)
    return placed


def load_memory(argument: str) -> tuple[HostWrite, ...]:
    """What software had loaded, from a file: ``FILE@ADDRESS``, or ``FILE`` with addresses of its own.

    Raises
    ------
    BenchError
        One line: a file that cannot be read, or one without an address.
    """
    told = DumpArgument.of(argument)
    dump = read_memory_dump(told.path)
    if told.layer or (told.address is None and not dump.absolute):
        raise BenchError(f"{argument}: takes the address of its first byte, as {told.path}@0x80000000")
    if told.address is not None:
        dump = _moved(dump, told.address)
    ends = np.cumsum(dump.lengths)
    return tuple(
        HostWrite(int(start), dump.values[end - length : end].tobytes())
        for start, length, end in zip(dump.starts.tolist(), dump.lengths.tolist(), ends.tolist(), strict=True)
    )


def _moved(dump: MemoryDump, address: int) -> MemoryDump:
    """The dump with its first byte at an address."""
    shift = address - dump.extent[0]
    if address + dump.extent[1] - dump.extent[0] >= ADDRESS_LIMIT:
        raise BenchError(f"{dump.source}: at {address:#x} it reaches beyond the highest address {ADDRESS_LIMIT - 1:#x}")
    notes = dump.notes
    if dump.absolute:
        notes += (f"its addresses are moved from {dump.extent[0]:#x} to {address:#x}",)
    return MemoryDump(dump.source, dump.starts + shift, dump.lengths, dump.values, True, notes)


def _ranges(timeline: Timeline) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Starts and lengths of what layers write and software loads."""
    for event in timeline.events:
        if isinstance(event, TimelineLayer):
            destination = event.run.destination
            yield destination.unit_addresses().reshape(-1), destination.unit_bytes
        elif isinstance(event, HostWrite) and event.data:
            yield np.array([event.base]), len(event.data)


def _extent(timeline: Timeline) -> tuple[int, int]:
    ranges = [(int(starts.min()), int(starts.max()) + length) for starts, length in _ranges(timeline)]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _of_memory(dump: MemoryDump, timeline: Timeline) -> Observed:
    low, high = dump.extent
    kept: list[NDArray[np.int64]] = []
    for starts, length in _ranges(timeline):
        near = starts[(starts < high) & (starts + length > low)]
        if near.size == 1:
            begin, end = max(int(near[0]), low), min(int(near[0]) + length, high)
            kept.append(np.arange(begin, end))
        elif near.size:
            kept.append((near[:, None] + np.arange(length)).reshape(-1))
    addresses = np.unique(np.concatenate(kept)) if kept else np.zeros(0, np.int64)
    held, values = dump.look_up(addresses)
    if not held.any():
        first, last = _extent(timeline)
        raise BenchError(
            f"{dump.source}: holds {low:#x} to {high - 1:#x}, {timeline.name} uses {first:#x} to {last - 1:#x}: where "
            "a processor has other addresses than NVDLA's bus, @ADDRESS behind the file says where its first byte lies"
        )
    return _observed(dump, addresses[held], values[held], None)


def _of_output(dump: MemoryDump, output: LayerOutput) -> Observed:
    """Bytes of a layer's output from its first on, or at their addresses."""
    low, high = output.extent
    if not (dump.absolute and dump.extent[0] < high and dump.extent[1] > low):
        dump = _moved(dump, low)
    held, values = dump.look_up(output.addresses)
    if not held.any():
        raise BenchError(f"{dump.source}: holds no byte of {output.name}, which lies at {low:#x} to {high - 1:#x}")
    return _observed(dump, output.addresses[held], values[held], output.after)


def _observed(dump: MemoryDump, addresses: NDArray[np.int64], values: NDArray[np.uint8], after: int | None) -> Observed:
    left = dump.values.size - addresses.size
    notes = dump.notes
    if left:
        notes += (f"{left:,} of its {dump.values.size:,} bytes are none that the program writes or loads",)
    return Observed(dump.source, addresses, values, after, notes)


def _holds_a_tensor(path: Path) -> bool:
    """Whether a file is an array, a ``.dimg``, or the text of one: decimal numbers."""
    if path.suffix in ARRAY_NAMES or (not path.exists() and ".npz:" in path.name):
        return True
    try:
        if not path.is_file() or not path.stat().st_size:
            return False
        with path.open("rb") as stream:
            head = stream.read(len(MAGIC))
            return head == MAGIC or (is_text(head) and _is_decimal(head + stream.read(TEXT_LIMIT)))
    except OSError as error:
        raise BenchError(f"{path}: {file_trouble(error)}") from None


def _is_decimal(text: bytes) -> bool:
    """Whether a text of numbers is decimal: with signs, or of different lengths without leading zeros."""
    words = set(text.split()) if is_text(text) else set()
    if not words or not all(map(_DECIMAL.fullmatch, words)):
        return False
    lengths = {len(word) for word in words}
    padded = any(len(word) > 1 and word.startswith(b"0") for word in words)
    return any(word.startswith(b"-") for word in words) or (not padded and lengths not in ({2}, {4}, {8}, {16}))


def _of_tensor(path: Path, output: LayerOutput | None, timeline: Timeline) -> Observed:
    """A tensor over a layer's output: real channels only."""
    if path.suffix in ARRAY_NAMES or not path.exists() or is_dimg(path):
        tensor = open_tensor(path).tensor
    else:
        output = output or output_of_text(path, len(path.read_bytes().split()), timeline)
        tensor = open_tensor(path, DumpLayout.packed(output.shape)).tensor
    output = output_of_shape(path, tensor.values.shape, output, timeline)
    notes: tuple[str, ...] = ()
    with located(str(path)):
        values = _as_bytes(tensor)
    if tensor.values.dtype != np.int8:
        notes = (f"its {tensor.values.dtype} are taken as int8",)
    if not tensor.known.all():
        notes += (f"it holds {np.count_nonzero(tensor.known):,} of {tensor.known.size:,} elements",)
    addresses = output.places[tensor.known]
    order = np.argsort(addresses)
    return Observed(str(path), addresses[order], values[tensor.known][order], output.after, notes)


def _as_bytes(tensor: KnownTensor) -> NDArray[np.uint8]:
    """The elements as bytes; BenchError for those that are none."""
    values = np.ascontiguousarray(tensor.values)
    if values.dtype in (np.int8, np.uint8):
        return values.view(np.uint8)
    if values.dtype.kind not in "iu":
        raise BenchError(f"holds {values.dtype}: a layer writes int8, and real numbers do not tell its bytes")
    whole = values.astype(np.int8)
    unfit = np.argwhere(whole != values)
    if unfit.size:
        channel, y, x = unfit[0].tolist()
        raise BenchError(f"holds {values[channel, y, x]} at (c={channel}, y={y}, x={x}), a layer writes int8")
    return whole.view(np.uint8)


def _check_agreement(one: Observed, other: Observed) -> None:
    if one.after != other.after:
        return
    _, mine, theirs = np.intersect1d(one.addresses, other.addresses, assume_unique=True, return_indices=True)
    unequal = np.flatnonzero(one.values[mine] != other.values[theirs])
    if unequal.size:
        first = int(unequal[0])
        address, value, wanted = one.addresses[mine[first]], one.values[mine[first]], other.values[theirs[first]]
        raise BenchError(
            f"{one.source} and {other.source} are of the same time and differ in {unequal.size:,} bytes, the first at "
            f"{address:#x}: {value:#04x} and {wanted:#04x}"
        )
