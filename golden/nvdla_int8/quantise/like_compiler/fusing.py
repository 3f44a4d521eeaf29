"""Which layers the compiler lets X1 and X2 of one layer do."""

from collections import Counter
from collections.abc import Mapping, Sequence

from nvdla_int8.quantise.like_compiler.compiled_layers import CompiledLayer
from nvdla_int8.quantise.like_compiler.programs import IDENTITY, SdpIntegers

Layer = CompiledLayer | SdpIntegers


def fused(layers: Sequence[Layer], readers: Counter[str]) -> list[Layer]:
    """Give X2 to the only layer of SDP that reads a layer of SDP, where X2 and the output converter are free.

    A sum goes to the later of the two layers that write its operands.
    """
    made = list(layers)
    while (pair := _pair(made, readers)) is not None:
        before, behind = pair
        made = [behind.behind(before) if layer is before else layer for layer in made if layer is not behind]
    return made


def _pair(layers: Sequence[Layer], readers: Counter[str]) -> tuple[SdpIntegers, SdpIntegers] | None:
    places = {layer.output: place for place, layer in enumerate(layers)}
    for before in layers:
        if not isinstance(before, SdpIntegers) or readers[before.output] != 1 or not _is_free(before):
            continue
        behind = next((layer for layer in layers if before.output in layer.inputs), None)
        if isinstance(behind, SdpIntegers) and behind.weights is None and _takes(behind, before, places):
            return before, behind
    return None


def _is_free(layer: SdpIntegers) -> bool:
    return layer.x2 is None and layer.x1.addend is None and layer.converter == IDENTITY


def _takes(behind: SdpIntegers, before: SdpIntegers, places: Mapping[str, int]) -> bool:
    if behind.x2 is not None:
        return False
    others = [name for name in behind.inputs if name != before.output]
    return all(name in places and places[name] < places[before.output] for name in others)
