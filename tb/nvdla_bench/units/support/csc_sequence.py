"""Random layers one after another that leave input and weights in the CBUF for each other (reuse.md section 1).

All are legal: a layer takes what an earlier one left, or frees it. Weights also serve the other kind of input.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.units.support.csc_layers import (
    CscCase,
    Held,
    Reuse,
    Sizes,
    image_sizes,
    layer_case,
    random_held,
    random_sizes,
    runs_in_time,
    weight_shape,
    within_lines,
)
from nvdla_int8.build import Build

IMAGE_CHANNELS = (1, 3, 4)
RATES = {
    "other banks": 0.3,
    "other data banks": 0.5,  # of these
    "image": 0.45,  # unless the rows that it takes say so
    "take rows": 0.65,
    "take weights": 0.65,
    "keep rows": 0.5,
    "keep some rows": 0.5,  # of the others
    "keep weights": 0.5,
    "fewer rows": 0.3,  # than were found, if it keeps them all
    "fewer kernels": 0.3,
}
"""How often layers do this, where they may."""

Plan = dict[str, bool]
"""What a layer does of :data:`RATES`, whatever its rate."""

MOST_ROWS = 12
MOST_TRIES = 40
MOST_KEPT_WEIGHT_BANKS = 10

Banks = tuple[int, int]
"""Of data and of weights."""


@dataclass(frozen=True)
class _Rows:
    """Rows in the CBUF.

    Attributes
    ----------
    sizes
        Of the layer that left them.
    values
        int8 (C, H, W).
    side_value
        What pads the sides of an image's.
    skipped
        The layer freed none: the next one may take them all, or the first, and gets no more.
    all_used
        The layer used all; otherwise only a layer that takes them can free them.
    """

    sizes: Sizes
    values: NDArray[np.int8]
    side_value: int
    skipped: bool
    all_used: bool


@dataclass(frozen=True)
class _Weights:
    """Kernels in the CBUF: as the stream has them (channels, lines, taps), how many, the stream with its padding."""

    shape: tuple[int, int, int]
    kernels: int
    stream: bytes


class LayerSequence:
    """Layers in the order in which CSC runs them.

    ``done`` tells of each layer so far what it does of :data:`RATES`, as far as that came up.
    """

    def __init__(self, random: np.random.Generator, build: Build) -> None:
        self._random = random
        self._build = build
        self._rows: _Rows | None = None
        self._weights: _Weights | None = None
        self._last_banks: Banks = (0, 0)
        self._plan: Plan = {}
        self.done: list[dict[str, bool]] = []

    def draw(self, plans: Sequence[Plan]) -> tuple[list[CscCase], list[Banks]]:
        """The next layers and the banks of each: runs of layers with the same ones, enough for each of them.

        Other banks, at the least for the first layer, empty both rings or that of the weights.
        """
        before = len(self.done)
        while True:
            del self.done[before:]
            cases: list[CscCase] = []
            begins: tuple[list[bool], list[bool]] = [], []
            for index, plan in enumerate(plans):
                self._plan = plan
                self.done.append({})
                other = not index or self._does("other banks")
                other_data = not index or (other and self._does("other data banks"))
                begins[0].append(other_data)
                begins[1].append(other)
                if other_data:
                    self._rows = None
                if other:
                    self._weights = None
                case = self._layer()
                if case is None:
                    break
                cases.append(case)
            else:
                break
        data, weights = (self._banks([case.banks[ring] for case in cases], begins[ring], ring) for ring in (0, 1))
        self._last_banks = data[-1], weights[-1]
        return cases, list(zip(data, weights, strict=True))

    def _does(self, what: str) -> bool:
        does = self._plan.get(what, bool(self._random.random() < RATES[what]))
        self.done[-1][what] = does
        return does

    def _banks(self, needs: Sequence[int], begins: Sequence[bool], ring: int) -> list[int]:
        """As many banks as the largest layer of a run needs, and others than those of the run before."""
        starts = [index for index, begin in enumerate(begins) if begin]
        banks: list[int] = []
        for start, end in zip(starts, [*starts[1:], len(needs)], strict=True):
            most = max(needs[start:end]) + int(self._random.integers(2))
            before = banks[-1] if banks else self._last_banks[ring]
            banks += [most + int(most == before)] * (end - start)
        return banks

    def _layer(self) -> CscCase | None:
        """A layer that follows the plan; None when the one before does not allow it."""
        for _ in range(MOST_TRIES):
            must_take = self._rows is not None and not self._rows.all_used
            rows = self._rows if must_take or self._does("take rows") else None
            weights = self._weights if self._does("take weights") else None
            sizes = self._sizes(rows, weights)
            if sizes is None:
                continue
            held = self._held(sizes, rows, weights)
            reuse = self._reuse(sizes, held)
            used = self._fewer(sizes, held, reuse)
            self.done[-1] |= {"take rows": rows is not None, "take weights": weights is not None, "image": sizes.image}
            case = layer_case(self._random, self._build, used, held, reuse)
            if runs_in_time(case) and all(self.done[-1].get(what) == does for what, does in self._plan.items()):
                self._leave(used, held, reuse, all_used=used.height == sizes.height)
                return case
        return None

    def _leave(self, used: Sizes, held: Held, reuse: Reuse, *, all_used: bool) -> None:
        freed = 0 if reuse.skip_data_rls else reuse.rls_slices + 1
        left = held.rows[:, freed:]
        skipped = reuse.skip_data_rls == 1
        self._rows = _Rows(used, left, held.side_value, skipped, all_used) if left.size else None
        kernels = self._weights.kernels if self._weights and held.weights_found else used.kernels
        kept = _Weights(weight_shape(used), kernels, held.stream)
        self._weights = kept if reuse.skip_weight_rls else None

    def _sizes(self, rows: _Rows | None, weights: _Weights | None) -> Sizes | None:
        """Sizes of a layer that takes these rows and weights, and uses all of them; None when they do not fit."""
        sizes = random_sizes(self._random, self._build)
        image = rows.sizes.image if rows else self._does("image")
        if rows:
            channels = rows.sizes.channels
        elif image:
            channels = int(self._random.choice(IMAGE_CHANNELS))
        else:
            channels = weights.shape[0] if weights else sizes.channels
        sizes = replace(sizes, image=image, channels=channels)
        if weights:
            stream_channels, lines, taps = weights.shape
            if image and (taps > 1 or stream_channels % channels):
                return None
            taps = stream_channels // channels if image else taps
            sizes = replace(sizes, kernels=weights.kernels, lines=lines, taps=taps)
            if not image and stream_channels != channels:
                return None
        if rows:
            found = rows.values.shape[1]
            most_new = 0 if rows.skipped else MOST_ROWS - found
            height = found + (int(self._random.integers(1, most_new, endpoint=True)) if most_new > 0 else 0)
            if height == found and not rows.skipped:
                return None
            sizes = replace(sizes, width=rows.sizes.width, height=height)
            if image:
                sizes = replace(sizes, pad_left=rows.sizes.pad_left, pad_right=rows.sizes.pad_right)
                line = sizes.pad_left + sizes.width + sizes.pad_right
                if weights and sizes.taps > line:
                    return None
                return within_lines(self._random, self._build, replace(sizes, taps=min(sizes.taps, line)))
        return image_sizes(self._random, self._build, sizes) if image else sizes

    def _held(self, sizes: Sizes, rows: _Rows | None, weights: _Weights | None) -> Held:
        held = random_held(self._random, sizes)
        if rows:
            found = rows.values.shape[1]
            values = np.concatenate([rows.values, held.rows[:, found:]], axis=1)
            held = replace(held, rows=values, side_value=rows.side_value, rows_found=found)
        if weights:
            held = replace(held, stream=weights.stream, weights_found=True)
        return held

    def _reuse(self, sizes: Sizes, held: Held) -> Reuse:
        """Fields of a layer that takes this: random ones where nothing lies that they could free or keep."""
        rows_in_the_way = self._rows is not None and not held.rows_found and self._rows.sizes.image == sizes.image
        weights_in_the_way = self._weights is not None and not held.weights_found
        weight_banks = -(-len(held.stream) // (self._build.atomic_c * self._build.cbuf_bank_entries))
        keep = self._does("keep rows")
        if keep:
            slices = int(self._random.integers(1 << 12))
        elif sizes.height > 1 and self._does("keep some rows"):
            slices = int(self._random.integers(sizes.height - 1))
        else:
            slices = sizes.height - 1
        return Reuse(
            data_reuse=self._bit(bool(held.rows_found), rows_in_the_way),
            weight_reuse=self._bit(held.weights_found, weights_in_the_way),
            skip_data_rls=int(keep),
            skip_weight_rls=int(weight_banks <= MOST_KEPT_WEIGHT_BANKS and self._does("keep weights")),
            rls_slices=slices,
        )

    def _bit(self, taken: bool, in_the_way: bool) -> int:
        return 1 if taken else 0 if in_the_way else int(self._random.integers(2))

    def _fewer(self, sizes: Sizes, held: Held, reuse: Reuse) -> Sizes:
        """Fewer rows or kernels than were found, now and then, by a layer that leaves them all."""
        if reuse.skip_data_rls and held.rows_found == sizes.height > 1 and self._does("fewer rows"):
            sizes = replace(sizes, height=int(self._random.integers(1, sizes.height)))
        if reuse.skip_weight_rls and held.weights_found and sizes.kernels > 1 and self._does("fewer kernels"):
            sizes = replace(sizes, kernels=int(self._random.integers(1, sizes.kernels)))
        return sizes
