"""A register program as one ``.npz`` file."""

from pathlib import Path
from typing import Any

import numpy as np

from nvdla_int8.compiler.forms.operations import operation_table
from nvdla_int8.compiler.register_program import RegisterProgram
from nvdla_int8.errors import writing


def write_as_npz(program: RegisterProgram, folder: Path) -> tuple[Path, ...]:
    """Write one ``.npz``.

    It holds ``operations`` (N, 3) uint32, kind (:class:`Kind`), CSB byte address and value; and the
    bytes of each region, uint8, as ``image_<address>`` and ``expected_<address>``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{program.name}.npz"
    arrays: dict[str, Any] = {"operations": operation_table(program)}
    for kind, regions in (("image", program.images), ("expected", program.final_outputs)):
        arrays |= {f"{kind}_{region.base:08x}": np.frombuffer(region.data, np.uint8) for region in regions}
    with writing(path):
        np.savez_compressed(path, **arrays)
    return (path,)
