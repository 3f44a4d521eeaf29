"""Where a random cube lies: its base and strides as registers."""

import numpy as np

ADDRESSES = 1 << 32
FAR_BASES, FAR_RATE = 1 << 24, 0.5
"""Where a cube begins that spreads over the whole memory, and how often one does that may."""


def cube_place(
    random: np.random.Generator,
    prefix: str,
    base: int,
    size: tuple[int, int, int],
    atom: int,
    *,
    unit_atoms: int = 1,
    packs_one_pixel: bool = False,
    may_spread: bool = False,
) -> dict[str, int]:
    """Surfaces behind each other or line by line, with gaps; strides that are not used are odd.

    Parameters
    ----------
    prefix
        Of the registers, for example ``SDP.D_DST``.
    base
        The cube begins here or a few memory atoms behind.
    size
        Width, height and channels.
    atom
        Of memory, in bytes.
    unit_atoms
        Memory atoms of a pixel's channels of one surface.
    packs_one_pixel
        The surfaces of a 1x1 cube follow one another, whatever the stride.
    may_spread
        Often the strides are as large as addresses allow: of a cube that is only written, as others lie in between.
    """
    width, height, channels = size
    surfaces = -(-channels // atom)
    gap_line, gap_surface, offset = (int(gap) for gap in random.integers(0, 4, 3))
    line = width * unit_atoms + gap_line
    surface = line * height + gap_surface
    if random.random() < 0.3:
        surface, line = line, line * surfaces + gap_surface
    if may_spread and random.random() < FAR_RATE:
        base %= FAR_BASES
        times = spread(base, line, surface, height, surfaces, atom)
        line, surface = line * times, surface * times
    surface_used = surfaces > 1 and not (packs_one_pixel and width * height == 1)
    odd = [int(word) | 1 for word in random.integers(0, 1 << 32, 2)]
    return {
        f"{prefix}_BASE_ADDR_LOW": base + offset * atom,
        f"{prefix}_LINE_STRIDE": line * atom if height > 1 else odd[0],
        f"{prefix}_SURFACE_STRIDE": surface * atom if surface_used else odd[1],
    }


def spread(base: int, line: int, surface: int, height: int, surfaces: int, atom: int) -> int:
    """How many times larger the strides of a cube, in memory atoms, may be before it leaves the addresses."""
    atoms = height * line + (surfaces - 1) * surface
    return (ADDRESSES - base) // atom // (atoms + 4)  # it may begin up to three atoms behind base
