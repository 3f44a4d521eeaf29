"""How ``explain`` prints what NVIDIA's driver writes into the registers for a layer."""

import click

from nvdla_int8.cli.printing import print_table
from nvdla_int8.driver.memory_map import FIRST_BASE
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.loadable_difference import Described
from nvdla_int8.explain.loadable_registers import RegisterWords, put_registers_into_words
from nvdla_int8.loadable.unsupported import check_supported


def print_registers(described: Described, number: int) -> None:
    """Print a layer's writes, a row each, and what belongs around them; BenchError for a layer that is not there."""
    loadable, count = described.loadable, len(described.layers)
    if described.trouble or number >= count:
        layers = described.trouble or f"layers are 0 to {count - 1}"
        raise BenchError(f"{loadable.path}: --registers {number}: {layers}")
    check_supported(loadable)
    words = described.words[number]
    writes = put_registers_into_words(loadable, described.layers[number])
    print_table(
        ("operation", "register", "byte address", "value", "fields"),
        ((one.operation, one.register, f"{one.address:#06x}", _value(one), one.meaning) for one in writes),
        f"layer {number}: {words.does} ({words.name}), in the driver's order",
        wrapping=("operation", "register", "fields"),
    )
    blocks = ", ".join(dict.fromkeys(one.register.partition(".")[0] for one in writes))
    click.echo("Sizes, counts and strides of convolutions are held less one.")
    click.echo(
        f"Before them comes S_POINTER of {blocks}: the register group that is free. Behind them D_OP_ENABLE = 1: the "
        "block that writes memory first, before it its RDMA if it reads memory, CDMA last."
    )
    click.echo(
        f"Addresses are those of memory that begins at {FIRST_BASE:#x}, with each of the file's memories at a page of "
        f"its own; `nvdla-int8 write {loadable.path} IMAGE --output FOLDER` writes the whole program, --base elsewhere."
    )


def _value(one: RegisterWords) -> str:
    return f"{one.words[0]:#010x}" if len(one.words) == 1 else f"{len(one.words)} words"
