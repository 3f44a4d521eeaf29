"""The bench's own files, the same in a checkout and in a wheel, and where runs put theirs.

``rtl`` and ``duts`` are links to the checkout's folders; a wheel holds copies.
"""

import tarfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

HDL = _PACKAGE / "hdl"
"""The player, the memory and the checkers around a device."""

RTL = (_PACKAGE / "rtl").resolve()
"""The project's own core."""

DEFAULT_DUT = (_PACKAGE / "duts" / "nvdla_core.toml").resolve()
"""Its description."""

SIM_BUILD = Path("sim_build")
"""Everything that is written goes here, in the current folder: compiled simulations and the files of runs."""


def unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack into a folder, nothing beside it where this Python can see to it: 3.11.2, Debian's, cannot yet."""
    archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
    archive.extractall(folder)
