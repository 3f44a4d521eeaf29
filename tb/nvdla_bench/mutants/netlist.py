"""Faults in netlists: Yosys' own ``mutate`` on what it makes of a unit."""

import shutil
from pathlib import Path

import numpy as np

from nvdla_bench.files import RTL
from nvdla_bench.mutants.copies import Copy
from nvdla_bench.mutants.mutant import Mutant
from nvdla_bench.mutants.yosys import mutate_commands, mutated_netlist
from nvdla_bench.simulator.compiled import rtl_sources
from nvdla_bench.units.catalog import UNITS

MOST_SOURCES = 12
"""Modules of a unit; larger ones take Yosys too long."""

LISTED = 50
"""Faults of a unit that Yosys lists, of which one is drawn."""


def draw(random: np.random.Generator, folder: Path, count: int) -> list[Mutant]:
    """So many faults, every unit as likely as any other; ``folder`` is for Yosys.

    Raises
    ------
    BenchError
        Yosys cannot read a unit.
    """
    units = [name for name, unit in UNITS.items() if len(rtl_sources(RTL, unit.toplevel)) <= MOST_SOURCES]
    drawn: dict[str, Mutant] = {}
    while len(drawn) < count:
        name = units[int(random.integers(len(units)))]
        unit, seed = UNITS[name], int(random.integers(1, 1 << 30))
        commands = mutate_commands(unit.toplevel, unit.parameters, RTL, folder / name, count=LISTED, seed=seed)
        command = commands[int(random.integers(len(commands)))]
        mutant = Mutant("netlist", f"mutate {command.split()[2]}", f"{unit.toplevel}.v", 0, name, command)
        drawn[mutant.name] = mutant
    return list(drawn.values())


def plant(mutant: Mutant, copy: Copy) -> None:
    """Make a copy's RTL the netlist with the fault, and nothing else."""
    unit = UNITS[mutant.old]
    text = mutated_netlist(unit.toplevel, unit.parameters, copy.rtl, copy.folder / "yosys", mutant.new)
    shutil.rmtree(copy.rtl)
    copy.rtl.mkdir()
    (copy.rtl / mutant.file).write_text(text)
