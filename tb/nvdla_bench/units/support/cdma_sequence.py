"""Random layers for CDMA one after another, and what each of them fetches (reuse.md section 1)."""

from collections.abc import Mapping

import numpy as np

from nvdla_bench.units.support.cdma_layer import (
    FetchedLayer,
    input_layer,
    random_input,
    random_weights,
    register_words,
    weight_layer,
)
from nvdla_int8.build import Build
from nvdla_int8.registers.register_map import insert, unpack
from nvdla_int8.surfaces.cbuf_entries import weight_entries
from nvdla_int8.surfaces.memory import Memory

SAME_BANKS_RATE, SAME_DATA_BANKS_RATE = 0.6, 0.8
SAME_KIND_RATE = 0.7

Words = dict[str, int]
"""CDMA's registers by ``CDMA.REGISTER``."""

Layer = dict[str, FetchedLayer]
"""What each fetch of a layer, ``dat`` and ``wt``, brings."""

NOTHING = FetchedLayer(weight_entries(b"", 1), 0)


def has_field(words: Words, name: str) -> int:
    """The value of a ``REGISTER.FIELD`` of CDMA."""
    register, _, field = f"CDMA.{name}".rpartition(".")
    return unpack(register, words[register], field)


def with_fields(words: Words, register: str, fields: Mapping[str, int]) -> Words:
    """The registers with other values in fields of one of them."""
    name = f"CDMA.{register}"
    return words | {name: insert(name, words[name], **fields)}


class LayerSequence:
    """Layers in the order in which CDMA runs them."""

    def __init__(self, random: np.random.Generator, build: Build, memory: Memory) -> None:
        self._random = random
        self._build = build
        self._memory = memory
        self._drawn: Words | None = None
        self._before: Words | None = None

    def draw(self, kind: int | None = None) -> Words:
        """Registers of a layer of this kind, or often the kind of the one drawn before; often with its banks."""
        random, drawn = self._random, self._drawn
        if kind is None and drawn is not None and random.random() < SAME_KIND_RATE:
            kind = has_field(drawn, "D_DATAIN_FORMAT.DATAIN_FORMAT")
        fields = random_input(random, self._build)
        while kind not in (None, fields["D_DATAIN_FORMAT.DATAIN_FORMAT"]):
            fields = random_input(random, self._build)
        words = register_words(random, fields | random_weights(random, self._build))
        chance = random.random()
        if drawn is not None and chance < SAME_DATA_BANKS_RATE:
            banks = ("DATA_BANK", "WEIGHT_BANK") if chance < SAME_BANKS_RATE else ("DATA_BANK",)
            words = with_fields(words, "D_BANK", {bank: has_field(drawn, f"D_BANK.{bank}") for bank in banks})
        self._drawn = words
        return words

    def follow(self, words: Words) -> Layer:
        """What a layer with these registers fetches behind the one that ``follow`` was last told of."""
        before, self._before = self._before, words
        fetched = {
            "dat": input_layer(words, self._memory, self._build),
            "wt": weight_layer(words, self._memory, self._build),
        }
        if before is None:
            return fetched

        def kept(what: str, *same: str) -> bool:
            left = has_field(before, f"D_MISC_CFG.SKIP_{what}_RLS") and has_field(words, f"D_MISC_CFG.{what}_REUSE")
            return bool(left) and all(has_field(before, name) == has_field(words, name) for name in same)

        if kept("DATA", "D_DATAIN_FORMAT.DATAIN_FORMAT", "D_BANK.DATA_BANK"):
            fetched["dat"] = NOTHING
        if kept("WEIGHT", "D_BANK.DATA_BANK", "D_BANK.WEIGHT_BANK"):
            fetched["wt"] = NOTHING
        return fetched
