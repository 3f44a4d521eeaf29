"""Compares what the stages of a device handed on with the golden device, beat by beat."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.beats.stage_beats import stage_beats
from nvdla_int8.build import Build
from nvdla_int8.checkup.compare import compare_atoms
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.errors import BenchError

SUFFIX = ".stage"
"""Of the files that the recorders of :mod:`nvdla_bench.player.compile` write: a line a beat, its cycle and its data."""


@dataclass
class StageCount:
    """One stage of one layer: elements compared, how many were wrong, the first of those in words.

    ``inherited`` tells that an earlier stage of the layer, or an earlier layer of the program, was wrong already:
    this one may be right for what it got.
    """

    layer: int
    stage: str
    compared: int = 0
    wrong: int = 0
    problems: list[str] = field(default_factory=list)
    inherited: bool = False


class RecordedStage:
    """The beats of one stage in one program, handed out layer by layer."""

    def __init__(self, path: Path) -> None:
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        self._cycles = np.array([int(cycle) for cycle, _ in lines], np.int64)
        text = "".join(data for _, data in lines)
        self._unknown = [index for index, (_, data) in enumerate(lines) if set("xXzZ") & set(data)]
        digits = {len(data) for _, data in lines}
        if len(digits) > 1 or any(count % 2 for count in digits):
            raise BenchError(f"{path}: beats of {sorted(digits)} hexadecimal digits are no whole bytes of one width")
        raw = bytes.fromhex(text.translate(str.maketrans("xXzZ", "0000")))
        self._bytes = np.frombuffer(raw, np.uint8).reshape(len(lines), -1)[:, ::-1] if lines else np.zeros((0, 1))
        self._path = path
        self._next = 0

    def take(
        self, beats: int, lanes: int, bits: int, dtype: np.dtype[np.integer]
    ) -> tuple[NDArray[np.integer], NDArray[np.int64], int]:
        """The next beats (B, lanes) with their cycles (B,), fewer at the end; how many have unknown bits.

        ``bits`` are those of a lane. BenchError when the recorded net has another width.
        """
        taken = slice(self._next, self._next + beats)
        self._next += beats
        unknown = sum(taken.start <= index < taken.stop for index in self._unknown)
        raw: NDArray[np.uint8] = np.ascontiguousarray(self._bytes[taken])
        if not len(raw):
            return np.zeros((0, lanes), dtype), self._cycles[taken], unknown
        if 8 * raw.shape[1] != lanes * bits:
            raise BenchError(f"{self._path}: the net has {8 * raw.shape[1]} bits, this build's stage {lanes * bits}")
        return _signed_lanes(raw, lanes, bits, dtype), self._cycles[taken], unknown

    @property
    def left(self) -> int:
        """Beats that no layer has taken."""
        return max(len(self._bytes) - self._next, 0)


def _signed_lanes(raw: NDArray[np.uint8], lanes: int, bits: int, dtype: np.dtype[np.integer]) -> NDArray[np.integer]:
    """Beats as bytes, lowest first, to lanes of so many bits, signed."""
    little = dtype.newbyteorder("<")
    if bits == 8 * dtype.itemsize:
        return raw.view(little).astype(dtype)
    held = np.unpackbits(raw, axis=1, bitorder="little").reshape(len(raw), lanes, bits)
    signs = np.repeat(held[:, :, -1:], 8 * dtype.itemsize - bits, axis=2)
    whole = np.packbits(np.concatenate([held, signs], axis=2), axis=2, bitorder="little")
    return np.ascontiguousarray(whole).view(little)[:, :, 0].astype(dtype)


def compare_stages(
    folder: Path,
    names: Sequence[str],
    layers: Sequence[LayerRun],
    build: Build,
    *,
    whole: bool,
    spoiled: Collection[int] = (),
) -> Iterator[StageCount]:
    """Compare every recorded stage of every layer of a program.

    Parameters
    ----------
    folder
        Where the recorders wrote.
    names
        The stages that were recorded.
    layers
        What the golden device ran.
    build
        The build.
    whole
        Whether the program came to its end; otherwise beats may be missing, or be of a layer that the golden device
        has not run.
    spoiled
        Layers that read wrong bytes of an earlier layer from memory.
    """
    recorded = {name: RecordedStage(folder / f"{name}{SUFFIX}") for name in names}
    wrong_before = False
    for index, run in enumerate(layers):
        for name, expected in stage_beats(run, build).items():
            if name not in recorded:
                continue
            count = StageCount(index, name)
            beats, lanes = expected.values.shape
            values, cycles, unknown = recorded[name].take(beats, lanes, expected.bits, expected.values.dtype)
            common = slice(len(values))
            result = compare_atoms(
                expected.values[common], values, expected.elements[common], expected.shape,
                layer=str(index), stage=name, counts=expected.counts[common], cycles=cycles,
            )  # fmt: skip
            count.compared, count.wrong = result.compared, result.mismatches
            if unknown:
                count.problems.append(f"layer {index} stage {name}: {unknown} beats with unknown bits")
            if whole and len(values) < len(expected.values):
                text = f"{len(values)} beats of {len(expected.values)}"
                count.problems.append(f"layer {index} stage {name}: {text}")
            if result.first:
                text = f"{result.mismatches} of {result.compared} wrong; first: {result.first[0].describe()}"
                count.problems.append(text)
            count.inherited = (wrong_before or index in spoiled) and bool(count.problems)
            wrong_before |= bool(count.problems)
            yield count
    for name, stage in recorded.items():
        if whole and stage.left:
            yield StageCount(len(layers) - 1, name, problems=[f"stage {name}: {stage.left} beats too many"])
