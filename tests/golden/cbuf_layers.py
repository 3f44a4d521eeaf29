"""Register programs that keep something in the CBUF, for tests."""

from tests.golden.register_programs import Convolution, RegisterLayer

NOWHERE = 0xDEAD_BEE8


def layer_of(shape: Convolution) -> RegisterLayer:
    """The convolution's registers; its rows are those of a taller cube, whatever its height."""
    return shape.layer().but({"CDMA.D_SURF_STRIDE": 0x400})


def keeping(layer: RegisterLayer, *fields: str) -> RegisterLayer:
    """The layer with fields of D_MISC_CFG set in CDMA and CSC."""
    return layer.but({f"{block}.D_MISC_CFG.{field}": 1 for block in ("CDMA", "CSC") for field in fields})


def placed(layer: RegisterLayer, *, data: int | None = None, weights: int | None = None) -> RegisterLayer:
    """The layer with its input or weights elsewhere."""
    addresses = {"CDMA.D_DAIN_ADDR_LOW_0": data, "CDMA.D_WEIGHT_ADDR_LOW": weights}
    return layer.but({register: address for register, address in addresses.items() if address is not None})


def banked(layer: RegisterLayer, *, data: int = 1, weights: int = 1) -> RegisterLayer:
    """The layer with so many banks."""
    banks = {"DATA": data, "WEIGHT": weights}
    return layer.but(
        {f"{block}.D_BANK.{which}_BANK": count - 1 for block in ("CDMA", "CSC") for which, count in banks.items()}
    )


def part_of(shape: Convolution, *, new: int, data: int) -> RegisterLayer:
    """A layer that fetches so many of its rows, from an address; the CBUF keeps those before."""
    return placed(layer_of(shape), data=data).but({"CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT": new - 1})


def loading(layer: RegisterLayer, entries: int) -> RegisterLayer:
    """The layer with so many entries of weights, padding included."""
    return layer.but({"CDMA.D_WEIGHT_BYTES": entries * 8, "CSC.D_WEIGHT_BYTES": entries * 8})
