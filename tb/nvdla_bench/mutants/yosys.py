"""Yosys for mutants: netlists with one fault, and proofs that a fault changes nothing."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from nvdla_bench.simulator.compiled import rtl_sources
from nvdla_bench.synthesis.yosys import run_packaged
from nvdla_int8.errors import BenchError

PROOF_LIMIT_S = 120
"""What a proof may take."""

COMMAND = re.compile(r"^mutate .*", re.MULTILINE)


def mutate_commands(
    module: str, parameters: Mapping[str, int], rtl_dir: Path, folder: Path, *, count: int, seed: int
) -> list[str]:
    """So many of Yosys' ``mutate`` commands for a module and those below it, in an order of Yosys' own.

    Parameters
    ----------
    module, parameters
        The module, and its parameters as its bench sets them.
    rtl_dir
        Its sources.
    folder
        Receives copies of them, and what Yosys writes; below the current folder.
    count, seed
        How many at the most, and what orders them.

    Raises
    ------
    BenchError
        Yosys cannot read the module.
    """
    listed = folder / "mutations.txt"
    steps = _netlist(module, parameters, rtl_dir, folder)
    _run(module, [*steps, f"mutate -list {count} -seed {seed} -o {listed.name}"], folder)
    return COMMAND.findall(listed.read_text())


def mutated_netlist(module: str, parameters: Mapping[str, int], rtl_dir: Path, folder: Path, command: str) -> str:
    """The module's netlist with a fault, as Verilog with the same parameters; BenchError as above."""
    written = folder / "netlist.v"
    steps = _netlist(module, parameters, rtl_dir, folder)
    _run(module, [*steps, command, f"write_verilog -noattr {written.name}"], folder)
    text = written.read_text()
    # The bench sets parameters, which the netlist has taken in already.
    declared = "".join(f"  parameter {name} = {value};\n" for name, value in parameters.items())
    return re.sub(rf"^(module {module}\(.*?\);\n)", rf"\g<1>{declared}", text, count=1, flags=re.DOTALL | re.MULTILINE)


def proved_equivalent(
    module: str, parameters: Mapping[str, int], sound: Path, faulty: Path, folder: Path, limit_s: int = PROOF_LIMIT_S
) -> bool:
    """Whether an induction over registers of the same names proves that a fault changes no output of its module.

    What is proved: once sound and faulty module agree in all that their names share, as after the reset with which
    every check begins, they agree for ever. False when there was no proof, whatever the reason.

    Parameters
    ----------
    module, parameters
        The module with the fault, and values of its parameters.
    sound, faulty
        Folders of the RTL.
    folder
        Receives copies, and Yosys' log; below the current folder.
    limit_s
        Seconds until it is given up.
    """
    steps = []
    for name, rtl_dir in (("gold", sound), ("gate", faulty)):
        part = folder / name
        steps += [
            *_netlist(module, parameters, rtl_dir, part, prefix=f"{name}/"),
            "flatten",
            "async2sync",
            "memory_map",
        ]
        steps += ["opt_clean", f"rename {module} {name}", f"design -stash {name}"]
    steps += ["design -copy-from gold gold", "design -copy-from gate gate", "equiv_make gold gate equiv"]
    steps += ["hierarchy -top equiv", "opt_clean", "equiv_simple -undef", "equiv_induct -undef -seq 4"]
    steps += ["equiv_status -assert"]
    try:
        _run(module, steps, folder, limit_s)
    except BenchError:
        return False
    return True


def _netlist(module: str, parameters: Mapping[str, int], rtl_dir: Path, folder: Path, prefix: str = "") -> list[str]:
    """Copy a module's sources below the folder; the commands that read them up to registers and operators."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for path in (*rtl_sources(rtl_dir, module), *rtl_dir.glob("*.vh")):
        shutil.copy(path, folder)
        names += [prefix + path.name] if path.suffix == ".v" else []
    set_to = "".join(f" -chparam {name} {value}" for name, value in parameters.items())
    include = f" -I{prefix.rstrip('/')}" if prefix else " -I."
    return [
        f"read_verilog{include} {' '.join(names)}",
        f"hierarchy -top {module}{set_to}",
        "proc",
        "opt_expr",
        "opt_clean",
    ]


def _run(module: str, steps: list[str], folder: Path, limit_s: int | None = None) -> None:
    run_packaged(module, "; ".join(steps), folder, inside=folder, limit_s=limit_s)
