"""The build that the parameters of the unit under test make."""

from nvdla_bench.simulator.compiled import run_parameters
from nvdla_int8.build import Build, find_build

SIZES = ("atomic_c", "atomic_k", "memory_atom", "cbuf_banks", "cbuf_bank_entries")


def unit_build() -> Build:
    """nv_small with the sizes that are parameters of the unit; a CBUF entry has ATOMIC_C bytes."""
    parameters = run_parameters()
    sizes = {name: parameters[name.upper()] for name in SIZES if name.upper() in parameters}
    if "atomic_c" in sizes:
        sizes["cbuf_entry_bytes"] = sizes["atomic_c"]
    return find_build("nv_small").model_copy(update=sizes)
