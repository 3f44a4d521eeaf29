"""Where PDP and CDP read and write cubes (pdp_cdp.md section 1)."""

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.surfaces.feature import FeatureSurface


def cube_at(registers_of: str, registers: LayerRegisters, build: Build, shape: tuple[int, int, int]) -> FeatureSurface:
    """The cube (C, H, W) at the base and strides of ``registers_of``, such as ``PDP.D_DST``; never packed.

    A build with 32-bit addresses ignores the upper words.
    """
    channels, height, width = shape
    base = registers.address(f"{registers_of}_BASE_ADDR_{{}}") & ((1 << build.address_bits) - 1)
    return FeatureSurface(
        base=base,
        width=width,
        height=height,
        channels=channels,
        line_stride=registers.word(f"{registers_of}_LINE_STRIDE"),
        surface_stride=registers.word(f"{registers_of}_SURFACE_STRIDE"),
        memory_atom=build.memory_atom,
        packs_one_pixel=False,
    )


def used_strides(registers_of: str, build: Build, shape: tuple[int, int, int]) -> list[str]:
    """The stride registers that a cube (C, H, W) uses."""
    channels, height, _ = shape
    line = [f"{registers_of}_LINE_STRIDE"] if height > 1 else []
    return line + ([f"{registers_of}_SURFACE_STRIDE"] if channels > build.memory_atom else [])
