"""Random legal register programs, each from one seed (hardware.md sections 3 to 5)."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nvdla_int8.build import NV_SMALL, find_build
from nvdla_int8.compiler.allocation import ALIGNMENT, DEFAULT_BASE
from nvdla_int8.compiler.forms.trace import as_trace
from nvdla_int8.compiler.network_program import ENABLE_ORDER
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.compiler.register_program import Kind, RegisterProgram
from nvdla_int8.device import Device
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.errors import BenchError
from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.generator.layers import (
    Make,
    Surroundings,
    convolution_layer,
    image_layer,
    memory_layer,
    requantised_layer,
)
from nvdla_int8.generator.lrn import lrn_layer
from nvdla_int8.generator.networks import draw_network
from nvdla_int8.generator.places import BUS_LIMIT, Places
from nvdla_int8.generator.pooling import fused_layer, fused_memory_layer, pooling_layer
from nvdla_int8.generator.reuse import reuse_layer
from nvdla_int8.generator.sequence import Script, Step, run_layer
from nvdla_int8.generator.summary import summarise
from nvdla_int8.seeds import check_seed, generator
from nvdla_int8.trace.commands import Command
from nvdla_int8.trace.writer import write_trace

MOST_ATTEMPTS = 200

TOLERATED = ("E7",)
"""Errata that programs may meet in any case: a device with its clock gating off does not have E7, and only sequences
that meet it go around the CBUF's rings."""

LAYERS: Mapping[str, Make] = {
    "convolution": convolution_layer,
    "image": image_layer,
    "memory": memory_layer,
    "requantised": requantised_layer,
    "pooling": pooling_layer,
    "fused": fused_layer,
    "fused-memory": fused_memory_layer,
    "lrn": lrn_layer,
    "reuse": reuse_layer,
}
"""What one layer can be."""

FIRST_OF_SEVERAL = ("convolution", "convolution", "image", "image", "memory", "requantised")
FOLLOWING = ("convolution", "convolution", "memory", "requantised", "image", "image")
OF_NEIGHBOURS = ("convolution",) * 5 + ("image", "memory", "requantised")
OF_LARGE = ("convolution", "convolution", "image", "memory", "pooling", "lrn")
ANY_ENGINE = ("pooling", "pooling", "lrn", "lrn", "fused", "fused", "convolution", "memory", "image")


def _single(kind: str) -> Callable[[Draws], list[str]]:
    return lambda _draws: [kind]


def _several(least: int, most: int) -> Callable[[Draws], list[str]]:
    def kinds(draws: Draws) -> list[str]:
        return [draws.pick(FIRST_OF_SEVERAL), *(draws.pick(FOLLOWING) for _ in range(1, draws.between(least, most)))]

    return kinds


def _mixed(draws: Draws) -> list[str]:
    engines = ANY_ENGINE if draws.chance(0.6) else [draws.pick(ANY_ENGINE) for _ in range(draws.between(1, 2))]
    return [draws.pick(engines) for _ in range(draws.between(2, 6))]


NEIGHBOURS, LARGE = "neighbours", "large"

FAR = 0.3
"""How often the surfaces of a program of one or two layers lie far apart."""

LAYERS_OF_KINDS: Mapping[str, Callable[[Draws], list[str]]] = {
    **{kind: _single(kind) for kind in LAYERS},
    "pair": _several(2, 2),
    "series": _several(3, 5),
    "mixed": _mixed,
    "reuse": lambda draws: ["reuse"] * draws.pick((2, 3, 4, 4)),
    "fused-memory": lambda draws: ["fused-memory"] * draws.between(2, 3) + ["pooling"] * draws.between(0, 1),
    NEIGHBOURS: lambda draws: [draws.pick(OF_NEIGHBOURS) for _ in range(draws.between(2, 4))],
    LARGE: lambda draws: [draws.pick(OF_LARGE)],
}
"""What a program can be layer by layer: one layer, a pair of layers in groups 0 and 1, more layers than there are
groups, a few layers of all engines or of one or two of them, convolutions that keep data and weights in the CBUF
for one another, SDP from memory on to PDP in both groups and PDP from memory behind it, tiny layers that overlap, or
one layer with sizes at the ends of their registers."""

NETWORK = "network"
"""The kind of a small network that the compiler writes."""

KINDS = (*LAYERS_OF_KINDS, NETWORK)
"""What a program can be."""

WEIGHTED_KINDS = (
    *("convolution",) * 5, *("image",) * 5, *("memory",) * 5, *("requantised",) * 2, *("pair",) * 4, *("series",) * 4,
    *("pooling",) * 6, *("fused",) * 3, *("fused-memory",) * 2, *("lrn",) * 5, *("mixed",) * 8, *("reuse",) * 8,
    *(NETWORK,) * 5, *(NEIGHBOURS,) * 6, *(LARGE,) * 3,
)  # fmt: skip


ON_NV_SMALL = ("pooling", "fused", "fused-memory", "lrn", "mixed", "reuse", LARGE, NETWORK)
"""Kinds with PDP, CDP or reuse of the CBUF, which are known of nv_small only."""


@dataclass(frozen=True)
class GeneratedProgram:
    """A program with everything it needs, and what it must give.

    Attributes
    ----------
    seed, kind, build, errata
        What it was made from; ``kind`` is one of :data:`KINDS`.
    commands, files
        The trace and its data files.
    layers
        The layers as they ran on the golden device.
    steps
        The same as software runs them; none of a network, whose layers run one after the other.
    attempts
        Draws until one was legal.
    summary
        One line for people.
    """

    seed: str
    kind: str
    build: str
    errata: bool
    commands: tuple[Command, ...]
    files: Mapping[str, bytes]
    layers: tuple[LayerRun, ...]
    steps: tuple[Step, ...]
    attempts: int
    summary: str

    @property
    def name(self) -> str:
        """Name of its files."""
        return program_name(self.kind, self.seed)

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write the trace into a folder; the ``.cfg``. BenchError when it cannot be written."""
        return write_trace(folder, self.name, self.commands, self.files)


def program_name(kind: str, seed: str) -> str:
    """Name of a program's files."""
    return f"{kind}_{seed}"


def program_seeds(seed: str, count: int) -> list[str]:
    """Seeds of so many programs: of a single one the seed itself, so that each of many can be made alone.

    Raises
    ------
    BenchError
        A seed that :func:`nvdla_int8.seeds.check_seed` refuses, or one too long to be counted up.
    """
    seeds = [seed] if count == 1 else [f"{seed}-{number}" for number in range(count)]
    return [check_seed(one) for one in seeds]


def generate(
    seed: str, build: str = "nv_small", *, kind: str | None = None, errata: bool = False, base: int | None = None
) -> GeneratedProgram:
    """Make the program of a seed; the same arguments give the same program.

    Parameters
    ----------
    seed
        As :func:`nvdla_int8.seeds.check_seed` takes it.
    build
        The build, see :func:`nvdla_int8.build.find_build`.
    kind
        One of :data:`KINDS`; by default the seed chooses.
    errata
        Programs may meet the errata E1 to E6, E10, P5 and P6, which not every device gets right.
    base
        Surfaces lie side by side from this address on, for a device with little memory.

    Raises
    ------
    BenchError
        A bad seed, an unknown build or kind, or a kind that is not known of the build.
    """
    check_seed(seed)
    find_build(build)
    if base is not None and not 0 <= base < BUS_LIMIT:
        raise BenchError(f"base {base:#x} is not among the addresses, 0 to {BUS_LIMIT - 1:#x}")
    if kind is not None and kind not in KINDS:
        raise BenchError(f"kind {kind!r} is not known; there are {', '.join(KINDS)}")
    if build != NV_SMALL.name and kind in ON_NV_SMALL:
        raise BenchError(
            f"kind {kind!r} uses PDP, CDP or reuse of the CBUF, which are modelled for {NV_SMALL.name}, not for {build}"
        )
    on_build = [one for one in WEIGHTED_KINDS if build == NV_SMALL.name or one not in ON_NV_SMALL]
    chosen = kind or Draws(generator(seed, "program kind")).pick(on_build)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        draws = Draws(generator(seed, "program", build, chosen, str(errata), attempt))
        try:
            return _attempt(seed, chosen, build, errata, base, attempt, draws)
        except (RejectedError, BenchError):  # the device's diagnostics among them: draw again
            continue
    raise BenchError(f"seed {seed}: {MOST_ATTEMPTS} draws gave no legal program of kind {chosen} for {build}")


def _attempt(
    seed: str, kind: str, build: str, errata: bool, base: int | None, attempt: int, draws: Draws
) -> GeneratedProgram:
    device = Device(build, strict=not errata, tolerated=TOLERATED)
    if kind == NETWORK:
        return _network(seed, build, errata, base, attempt, draws)
    kinds = LAYERS_OF_KINDS[kind](draws)
    far = len(kinds) <= 2 and draws.chance(FAR)
    around = Surroundings(
        draws, device.build, device.memory,
        Places(draws, device.memory, device.build.memory_atom, far=far, base=base), errata,
        shares_cbuf=len(kinds) > 1, extent="large" if kind == LARGE else "usual",
    )  # fmt: skip
    groups = dict.fromkeys(ENABLE_ORDER, 0)
    steps: list[Step] = []
    for index, layer_kind in enumerate(kinds):
        if kind == NEIGHBOURS:
            around = replace(around, extent="tiny" if index or draws.chance(0.6) else "usual")
        alone = kind == NEIGHBOURS or layer_kind in ("image", "reuse")
        reads_previous = index > 0 and not alone and draws.chance(0.4)
        there = steps[-1].layer.destination if reads_previous else None
        layer = LAYERS[layer_kind](around, there)
        around = around.after(layer)
        loads = tuple(window.region(device.memory) for window in (*layer.windows, *layer.outputs))
        waits_for = index if reads_previous else 0
        steps.append(run_layer(device, layer, groups, loads, draws, waits_for))
    script = Script(steps, program_name(kind, seed), draws)
    script.write(device)
    summary = summarise(kind, device.layers, steps, device.build)
    return GeneratedProgram(
        seed=seed,
        kind=kind,
        build=build,
        errata=errata,
        commands=tuple(script.commands),
        files=script.files,
        layers=tuple(device.layers),
        steps=tuple(steps),
        attempts=attempt,
        summary=summary,
    )


def _network(seed: str, build: str, errata: bool, base: int | None, attempt: int, draws: Draws) -> GeneratedProgram:
    """A program of the compiler's; the compiler's own device is strict whatever ``errata`` says."""
    network, data = draw_network(draws, find_build(build))
    written = write_program(
        program_name(NETWORK, seed), network, data, build=build,
        base=DEFAULT_BASE if base is None else -(-base // ALIGNMENT) * ALIGNMENT, keep_layers=draws.chance(0.2),
    )  # fmt: skip
    device = _carried_out(written)
    commands, files = as_trace(written)
    return GeneratedProgram(
        seed=seed,
        kind=NETWORK,
        build=build,
        errata=errata,
        commands=tuple(commands),
        files=files,
        layers=tuple(device.layers),
        steps=(),
        attempts=attempt,
        summary=summarise(NETWORK, device.layers, (), device.build),
    )


def _carried_out(program: RegisterProgram) -> Device:
    """A device that has carried out a register program."""
    device = Device(program.build)
    for region in program.images:
        device.memory.write_bytes(region.base, region.data)
    for operation in program.operations():
        if operation.kind is not Kind.POLL:  # waiting is to clear what came
            device.write(operation.register, operation.value)
    return device
