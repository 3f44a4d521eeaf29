"""Copies of the core and of the model in which one file is another."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from nvdla_bench.files import DEFAULT_DUT, RTL
from nvdla_bench.mutants.mutant import Mutant

ROOT = RTL.parent
"""The checkout: faults are planted in nothing else."""

MODEL = ROOT / "golden" / "nvdla_int8"


@dataclass(frozen=True)
class Copy:
    """Folders with what is tried.

    Attributes
    ----------
    folder
        All of it, and what detectors write.
    """

    folder: Path

    @property
    def rtl(self) -> Path:
        """The copied RTL."""
        return self.folder / "rtl"

    @property
    def dut(self) -> Path:
        """The copied RTL's description."""
        return self.folder / "duts" / DEFAULT_DUT.name

    @property
    def model(self) -> Path:
        """The folder to import the copied model from."""
        return self.folder / "golden"


def sound_copy(folder: Path) -> Copy:
    """Everything as it is."""
    shutil.rmtree(folder, ignore_errors=True)
    copy = Copy(folder)
    shutil.copytree(RTL, copy.rtl)
    shutil.copytree(DEFAULT_DUT.parent, copy.dut.parent)
    shutil.copytree(MODEL, copy.model / MODEL.name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def original(mutant: Mutant) -> Path:
    """The file that a fault is in."""
    return MODEL / mutant.file if mutant.of == "model" else RTL / mutant.file


def plant(mutant: Mutant, copy: Copy) -> None:
    """Put a fault of the source into a copy; BenchError when the file has changed."""
    target = copy.model / MODEL.name / mutant.file if mutant.of == "model" else copy.rtl / mutant.file
    target.write_text(mutant.apply(target.read_text()))
