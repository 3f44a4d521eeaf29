"""How a feature cube lies in memory."""

from nvdla_int8.surfaces.feature import FeatureSurface


def layout(surface: FeatureSurface | None) -> dict[str, bool]:
    """Gaps of a cube with more than one line, or atom of channels; of None none."""
    lines = atoms = across = False
    if surface is not None:
        line = surface.width * surface.memory_atom
        if surface.height > surface.packed_lines and surface.line_stride > line:
            across = surface.surfaces > 1 and surface.surface_stride == line and surface.height > 1
            lines = not across
        atoms = surface.surfaces > 1 and surface.surface_stride > surface.height * surface.line_stride
    return {"gaps after lines": lines, "gaps after atoms": atoms, "across the atoms": across}
