"""What no probe does: a program that meets an erratum of the public RTL would accuse hardware that is as published."""

from collections.abc import Mapping

LEFT_OUT: Mapping[str, str] = {
    "E1": "kernel lines of an image of 17 bytes and more that leave 1 modulo 8",
    "E2": "images with outputs whose width leaves 1 modulo 16, and kernel lines above 24 bytes that are no whole atoms",
    "E3": "post-extension of images",
    "E4": "right padding of an image that adds 15 entries modulo 16",
    "E5": "pixels to skip beyond one atom",
    "E6": "weights rounded up beyond 8 bytes",
    "E7": "weights that are freed while CDMA's clock is off: every pass keeps them for the next to free",
    "E9": "the saturation count: it is cleared only while it counts",
    "E10": "other banks while weights stay",
    "P5": "rows of a pooling layer that no window uses",
    "P6": "four and more columns that no window uses",
}
"""By the number of the erratum: hardware.md section 5 (E), pdp_cdp.md section 5 (P)."""
