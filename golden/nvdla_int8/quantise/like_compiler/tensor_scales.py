"""What the compiler takes each tensor's bytes for, and where it is mistaken."""

from collections.abc import Iterator, Mapping

import numpy as np

from nvdla_int8.errors import Problems, located
from nvdla_int8.network.float_network import FloatConcat, FloatHost, FloatPooling
from nvdla_int8.quantise.like_compiler.compiled_layers import CompiledLayers, SdpLayer
from nvdla_int8.quantise.like_compiler.integers import entry_scale
from nvdla_int8.stages.tensor_scale import TensorScale

Scales = dict[str, np.float32]


def tensor_scales(compiled: CompiledLayers, table: Mapping[str, TensorScale]) -> tuple[Scales, tuple[str, ...]]:
    """Give each tensor the compiler's scale.

    It is the table's entry; of a sum's operands the first gets that of the second, for all who read it. Nothing makes
    the output of pooling, or a concatenation, have the entry that its readers take it for.

    Returns
    -------
    tuple
        The scales, and what goes wrong with them, a line each.

    Raises
    ------
    BenchErrors
        Tensors without an entry, a line each: the compiler stops without naming them.
    """
    scales: Scales = {}
    problems = Problems()
    for layer in compiled.layers:
        for name in (*layer.inputs, *(() if isinstance(layer, FloatHost) else (layer.output,))):
            if name not in scales:
                with problems.gathered(), located("NVIDIA's compiler needs an entry of every layer"):
                    scales[name] = entry_scale(table[compiled.inner.get(name, name)].scale)
    problems.check()
    notes = [*_of_sums(compiled, scales), *_not_rescaled(compiled, scales)]
    return scales, tuple(notes)


def _of_sums(compiled: CompiledLayers, scales: Scales) -> Iterator[str]:
    for layer in compiled.layers:
        if isinstance(layer, SdpLayer) and layer.merged is None:
            first, second = layer.inputs
            if scales[first] != scales[second]:
                yield (
                    f"{layer.name}: NVIDIA's compiler gives {first!r} the scale of {second!r}, "
                    f"{scales[second]:.6g} in place of {scales[first]:.6g}{_range_words(scales[first], scales[second])}"
                )
                scales[first] = scales[second]


def _range_words(wanted: np.float32, given: np.float32) -> str:
    return f": what is beyond {given / wanted:.0%} of its range clips" if given < wanted else ""


def _not_rescaled(compiled: CompiledLayers, scales: Scales) -> Iterator[str]:
    for layer in compiled.layers:
        if isinstance(layer, FloatPooling | FloatConcat):
            what = "pooling keeps the scale" if isinstance(layer, FloatPooling) else "nothing rescales the part"
            for name in layer.inputs:
                if scales[name] != scales[layer.output]:
                    yield (
                        f"{layer.name}: {what} of {name!r}, {scales[name]:.6g}, and its readers take it for "
                        f"{scales[layer.output]:.6g}: wrong by a factor of {scales[layer.output] / scales[name]:.4g}"
                    )
