"""What NVIDIA's compiler would make of the network and the table, to be measured beside ours."""

from dataclasses import dataclass, field

from nvdla_int8.errors import BenchError
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.quantise.like_compiler.network import CompilerNetwork, compile_network

NAMES = {mode: f"NVIDIA {mode.value}" for mode in CompilerMode}
"""What the networks are called beside ours, which have the words the other way round."""


@dataclass(frozen=True)
class CompilerNetworks:
    """The compiler's networks by name.

    Attributes
    ----------
    networks
        Those that it would make.
    notes
        What goes wrong in them, and why one is missing, a line each.
    """

    networks: dict[str, CompilerNetwork] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def compiler_networks(subject: Subject) -> CompilerNetworks:
    """What the compiler would make, in both modes, if it is asked for."""
    if not subject.like_compiler:
        return CompilerNetworks()
    networks: dict[str, CompilerNetwork] = {}
    notes: list[str] = []
    for mode, name in NAMES.items():
        try:
            networks[name] = compile_network(subject.source, subject.match.scales, mode)
        except BenchError as error:
            notes += (f"{name}: {problem}" for problem in error.problems)
        else:
            notes += networks[name].notes
    return CompilerNetworks(networks, tuple(dict.fromkeys(notes)))
