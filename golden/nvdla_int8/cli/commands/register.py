"""``register``: one register access decoded."""

import json

import click

from nvdla_int8.build import NV_SMALL
from nvdla_int8.cli.options import report_head
from nvdla_int8.cli.printing import print_table
from nvdla_int8.errors import BenchError, located
from nvdla_int8.register_log.access import register_named
from nvdla_int8.register_log.address_space import AddressSpace, spaces_of
from nvdla_int8.register_log.numbers import number_of
from nvdla_int8.registers.decoded import DecodedAccess, decode_access
from nvdla_int8.registers.register_map import WORD_MASK, find_register, name_at


@click.command(short_help="Decode one register access.", context_settings={"ignore_unknown_options": True})
@click.argument("place", metavar="ADDRESS|BLOCK.REGISTER")
@click.argument("value", metavar="VALUE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def register(place: str, value: str, as_json: bool) -> None:
    """Decode one register access: the block, the register, its fields, what is unusual.

    ADDRESS may have any base that is a multiple of 64 KiB, and count bytes or words of 4 bytes, as NVIDIA's test bench
    does; it is hex, with 0x or without. A register goes by its name, too: CDMA.D_BANK, CDMA_D_BANK_0. VALUE is hex with
    0x, or decimal.
    """
    name, space = _register_at(place)
    with located(place):
        word = number_of(value, bare_is_hex=False)
        if word > WORD_MASK:
            raise BenchError(f"{value} does not fit 32 bits")
    decoded = decode_access(name, word)
    if as_json:
        click.echo(json.dumps(report_head(NV_SMALL.name) | decoded.as_dict(), indent=2))
    else:
        _print(decoded, space.in_words() if space else "")


def _register_at(place: str) -> tuple[str, AddressSpace | None]:
    """The register that is meant, and how its address was read."""
    name = register_named(place)
    if name is not None:
        return name, None
    try:
        address = number_of(place, bare_is_hex=True)
    except BenchError:
        find_register(place)  # names similar ones
        raise
    spaces = spaces_of(address)
    if not spaces:
        name_at(address)  # says that there is none
    found = spaces[0].register(address)
    assert found is not None  # of each way to read it
    return found, spaces[0]


def _print(decoded: DecodedAccess, space: str) -> None:
    click.echo(f"{decoded.register} = {decoded.word:#010x} ({decoded.word:,}), byte address {decoded.address:#06x}")
    if space:
        click.echo(f"{space}")
    click.echo(f"{decoded.block} {decoded.description}")
    print_table(
        ("bits", "field", "value", "hex", "means", "what it is"),
        (
            (
                f"{field.msb}:{field.lsb}" if field.msb > field.lsb else field.lsb,
                field.name,
                f"{field.value:,}",
                f"{field.value & ((2 << field.msb - field.lsb) - 1):#x}",
                field.meaning or "-",
                field.description,
            )
            for field in decoded.fields
        ),
        wrapping=("field", "means", "what it is"),
    )
    for note in decoded.notes:
        click.echo(f"- {note}")
