"""What results depend on besides their input: the packages of a process, so that all processes have the same."""

import hashlib
import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

SOURCES = (".py", ".json", ".toml", ".v", ".vh", ".sv", ".cpp")
"""Suffixes of a package's files that work; the others are for people, or made by the installation."""


def package_versions(*packages: str) -> dict[str, str]:
    """Versions of Python, of what computes in float, and of our packages, whose sources tell more than a number.

    Parameters
    ----------
    packages
        Of ours, by their import names.
    """
    sources = {package: f"{version('nvdla-int8')} ({_sources_hash(package)})" for package in packages}
    libraries = {name: version(name) for name in ("numpy", "onnxruntime")}
    return {**sources, "python": platform.python_version(), **libraries}


def first_difference(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """The first of the names in both that does not stand for the same; empty if there is none."""
    return next((name for name in one if name in other and one[name] != other[name]), "")


@cache
def _sources_hash(package: str) -> str:
    found = find_spec(package)
    digest = hashlib.sha256()
    for folder in (found.submodule_search_locations or []) if found else []:
        paths = (Path(above, name) for above, _, names in os.walk(folder, followlinks=True) for name in names)
        by_name = {path.relative_to(folder).as_posix(): path for path in paths if path.suffix in SOURCES}
        for name, path in sorted(by_name.items()):
            digest.update(f"\0{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
