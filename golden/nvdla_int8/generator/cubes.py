"""Cubes as PDP and CDP read and write them: never packed (pdp_cdp.md section 1)."""

from nvdla_int8.generator.inputs import feature_surface, place_features
from nvdla_int8.generator.layers import Surroundings
from nvdla_int8.generator.places import Window
from nvdla_int8.surfaces.feature import FeatureSurface

Cube = tuple[int, int, int]
"""(C, H, W)."""


def place_source(
    around: Surroundings, cube: Cube, there: FeatureSurface | None
) -> tuple[FeatureSurface, tuple[Window, ...]]:
    """The input: the output of the layer before as it lies there, or a new cube with what has to be loaded."""
    if there is not None:
        return unpacked(there), ()
    surface = feature_surface(
        around.draws, cube, around.build.memory_atom, packs_one_pixel=False, far=around.places.far
    )
    return place_features(around.draws, around.places, around.memory, surface)


def unpacked(surface: FeatureSurface) -> FeatureSurface:
    """The same bytes without packing: the atoms of a packed pixel are a memory atom apart."""
    if surface.packs_one_pixel and surface.height == surface.width == 1:
        return surface.model_copy(update={"packs_one_pixel": False, "surface_stride": surface.memory_atom})
    return surface.model_copy(update={"packs_one_pixel": False})


def place_registers(prefix: str, surface: FeatureSurface) -> dict[str, int]:
    """Base and strides of ``prefix``, such as ``PDP.D_DST``."""
    return {
        f"{prefix}_BASE_ADDR_LOW": surface.base,
        f"{prefix}_LINE_STRIDE": surface.line_stride,
        f"{prefix}_SURFACE_STRIDE": surface.surface_stride,
    }
