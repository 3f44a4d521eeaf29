"""What ``write`` prints of a register program: its passes and its memory."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from nvdla_int8.cli.printing import print_table
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import FetchedBytes

_SDP_SIZES = tuple(f"SDP.D_DATA_CUBE_{name}.{name}" for name in ("CHANNEL", "HEIGHT", "WIDTH"))
_CDP_SIZES = tuple(f"CDP_RDMA.D_DATA_CUBE_{name}.{name}" for name in ("CHANNEL", "HEIGHT", "WIDTH"))

OUTPUT_SIZES = {
    "SDP": _SDP_SIZES,
    "PDP": tuple(f"PDP.D_DATA_CUBE_OUT_{name}.CUBE_OUT_{name}" for name in ("CHANNEL", "HEIGHT", "WIDTH")),
    "CDP": _CDP_SIZES,
}
"""Fields of a pass's output, channels first, by the block that writes it."""

INPUT_SIZES = {
    "CDMA": (
        "CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL", "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT",
        "CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH",
    ),
    "SDP": _SDP_SIZES,
    "PDP": tuple(f"PDP.D_DATA_CUBE_IN_{name}.CUBE_IN_{name}" for name in ("CHANNEL", "HEIGHT", "WIDTH")),
    "CDP": _CDP_SIZES,
}  # fmt: skip
"""Fields of a pass's input, channels first, by the first of these blocks that takes part."""


COLUMNS = ("layer", "output", "input", "data banks", "weight bytes", "weight banks", "bytes fetched", "ends with")
WRAPPING = ("layer", "output", "bytes fetched", "ends with")


def print_passes(title: str, rows: Iterable[tuple[str, ...]]) -> None:
    """Print :func:`pass_row` of each pass."""
    print_table(COLUMNS, rows, title, wrapping=WRAPPING)


def pass_row(
    layer: str, registers: LayerRegisters, interrupts: Sequence[str], fetched: FetchedBytes | None
) -> tuple[str, ...]:
    """A pass in words.

    Parameters
    ----------
    layer
        Its name.
    registers
        Of all its blocks.
    interrupts
        What it ends with; the last one is that of the block that writes its output.
    fetched
        What CDMA reads for it, if it is a convolution.
    """
    size, blocks = registers.size, registers.blocks
    writer = interrupts[-1].rpartition("_")[0]
    out_size = " x ".join(str(size(name)) for name in OUTPUT_SIZES[writer])
    in_size = " x ".join(
        str(size(name)) for name in next(INPUT_SIZES[block] for block in INPUT_SIZES if block in blocks)
    )
    cbuf = "-", "-", "-"
    if "CDMA" in blocks:
        data_banks, weight_banks = size("CDMA.D_BANK.DATA_BANK"), size("CDMA.D_BANK.WEIGHT_BANK")
        cbuf = str(data_banks), str(registers.word("CDMA.D_WEIGHT_BYTES")), str(weight_banks)
    described = f"{fetched.data} + {fetched.weights}" if fetched else "-"
    address = registers.address(f"{writer}.D_DST_BASE_ADDR_{{}}")
    return layer, f"{out_size} at {address:#x}", in_size, *cbuf, described, ", ".join(interrupts)


def print_memory(places: Iterable[tuple[str, int, int]]) -> None:
    """Print what lies where from the lowest address on: names, addresses, bytes."""
    rows = ((name, f"{base:#x}", size) for name, base, size in sorted(places, key=itemgetter(1)))
    print_table(("memory", "address", "bytes"), rows, "memory")
