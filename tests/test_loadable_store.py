"""The archive of compiled networks: complete, unpacked once."""

from pathlib import Path

import numpy as np

from tests import archives
from tests.loadable_store import (
    ARCHIVE,
    all_loadables,
    driver_log,
    loadable,
    loadables,
    network_input,
    rtl_tensors,
    traced_loadables,
)
from tests.shared_data import LOADABLES, needs_shared
from tools.pack_loadables import COPIED, OTHER_PEOPLES


@needs_shared(LOADABLES)
def test_archive_equals_original() -> None:
    ours = [path for path in LOADABLES.iterdir() if path.is_dir() and not path.name.startswith(OTHER_PEOPLES)]
    originals = [path for network in ours for path in network.rglob("*") if path.is_file()]
    for path in originals:
        copy = loadables() / path.relative_to(LOADABLES)
        if path.suffix in COPIED:
            assert copy.read_bytes() == path.read_bytes()
        elif path.name == "tensors.npz":
            with np.load(path) as original, np.load(copy) as packed:
                assert all(np.array_equal(original[name], packed[name]) for name in original)


def test_store_gives_loadables_with_what_the_rtl_made_of_them() -> None:
    assert (len(all_loadables()), len(traced_loadables())) == (23, 21)
    assert ARCHIVE.stat().st_size < 4 * 2**20
    path = loadable("residual", "per_kernel")
    assert path in traced_loadables()
    assert network_input(path).shape == (16, 8, 8)
    assert rtl_tensors(path)["acc0"].dtype == np.int32
    assert "reg_write(NVDLA_SDP.D_OP_ENABLE_0, 0x1);" in driver_log(path)


def test_archive_is_unpacked_by_the_first_only(tmp_path: Path) -> None:
    calls: list[Path] = []

    def fill(folder: Path) -> None:
        calls.append(folder)
        folder.mkdir()

    for _ in range(2):
        archives.unpack_once(tmp_path / "data", fill)
    assert len(calls) == 1
    assert (tmp_path / "data").is_dir()
