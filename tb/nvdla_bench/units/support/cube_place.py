"""Where a random cube lies: its base and strides as registers."""

import numpy as np


def cube_place(
    random: np.random.Generator,
    prefix: str,
    base: int,
    size: tuple[int, int, int],
    atom: int,
    *,
    unit_atoms: int = 1,
    packs_one_pixel: bool = False,
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
    """
    width, height, channels = size
    surfaces = -(-channels // atom)
    gap_line, gap_surface, offset = (int(gap) for gap in random.integers(0, 4, 3))
    line = width * unit_atoms + gap_line
    surface = line * height + gap_surface
    if random.random() < 0.3:
        surface, line = line, line * surfaces + gap_surface
    surface_used = surfaces > 1 and not (packs_one_pixel and width * height == 1)
    odd = [int(word) | 1 for word in random.integers(0, 1 << 32, 2)]
    return {
        f"{prefix}_BASE_ADDR_LOW": base + offset * atom,
        f"{prefix}_LINE_STRIDE": line * atom if height > 1 else odd[0],
        f"{prefix}_SURFACE_STRIDE": surface * atom if surface_used else odd[1],
    }
