"""Mistakes in padding: its value, before or after conversion, its place (hardware.md section 3)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.points import Point

LOW_BYTE = 255
VALUE, SIDE_VALUE = "CSC.D_ZERO_PADDING_VALUE.PAD_VALUE", "CDMA.D_ZERO_PADDING_VALUE.PAD_VALUE"
TOP, LEFT = "CSC.D_ZERO_PADDING.PAD_TOP", "CSC.D_ZERO_PADDING.PAD_LEFT"
IMAGE_LEFT, IMAGE_RIGHT = "CDMA.D_ZERO_PADDING.PAD_LEFT", "CDMA.D_ZERO_PADDING.PAD_RIGHT"
LARGEST_PADDING = 31

Padded = NDArray[np.int8]
Values = NDArray[np.int64]


def suggest_padding_mistakes(scene: Scene) -> Iterator[Cause]:
    """Those that this layer's padding leaves room for."""
    layer = scene.convolution
    if layer is None:
        return
    pads = Sides.of(layer)
    if pads.any:
        yield from _value_mistakes(layer, pads)
        yield from _converted_mistakes(layer)
        for mode, what in (("edge", "repeats the border's pixels"), ("reflect", "mirrors the image")):
            words = f"the padding {what}, it is not a constant"
            yield _at_padded("padding-of-border", words, partial(_bordered, mode=mode))
    yield from _place_mistakes(layer, pads)


class Sides:
    """Rows and columns of padding that the output reaches."""

    def __init__(self, top: int, bottom: int, left: int, right: int) -> None:
        self.top, self.bottom, self.left, self.right = top, bottom, left, right

    @classmethod
    def of(cls, layer: ConvolutionLayer) -> "Sides":
        """Those of a layer."""
        reach_h, reach_w = layer.reach
        bottom = max(0, reach_h - layer.pad_top - layer.height)
        right = max(0, reach_w - layer.pad_left - layer.width)
        return cls(layer.pad_top, bottom, layer.pad_left, right)

    @property
    def across(self) -> bool:
        """There is some left or right."""
        return self.left + self.right > 0

    @property
    def along(self) -> bool:
        """There is some above or below."""
        return self.top + self.bottom > 0

    @property
    def any(self) -> bool:
        """There is some."""
        return self.across or self.along


# Its value


def _value_mistakes(layer: ConvolutionLayer, pads: Sides) -> Iterator[Cause]:
    """Another constant, in both registers or, of an image, in one."""
    value, side = layer.pad_value, layer.side_pad_value
    used = {value} if not layer.pixel else ({value} if pads.along else set()) | ({side} if pads.across else set())
    for wrong in dict.fromkeys((0, *(one for v in used for one in (_int8(v ^ 128), _int8(-v))), 127, -128, -1)):
        if used != {wrong}:
            words = f"the padding is {wrong}, not {_both(sorted(used))}"
            yield _at_registers("padding-value", words, "PAD_VALUE", partial(_valued, across=wrong, along=wrong))
    if layer.pixel and pads.across and pads.along:
        for key, across, along, words in (
            ("padding-value", 0, value, f"the padding left and right is 0, not {side}: it is CDMA's PAD_VALUE"),
            ("padding-value", side, 0, f"the padding above and below is 0, not {value}: it is CSC's PAD_VALUE"),
            ("padding-value", value, value, f"the padding is {value} on all sides: CDMA's PAD_VALUE is {side}"),
            ("padding-value", side, side, f"the padding is {side} on all sides: CSC's PAD_VALUE is {value}"),
        ):
            if (across, along) != (side, value) and (across, along) != (0, 0):
                yield _at_registers(key, words, "PAD_VALUE", partial(_valued, across=across, along=along))


def _converted_mistakes(layer: ConvolutionLayer) -> Iterator[Cause]:
    """The padding goes through the input converter."""
    if not layer.converter.enabled:
        return
    golden = {layer.pad_value, layer.side_pad_value}
    raws = {0: "0", layer.pad_value & LOW_BYTE: f"the pad value {layer.pad_value}", 128: "128", LOW_BYTE: "255"}
    tried = {(one,) * layer.channels for one in golden} if len(golden) == 1 else set()
    for raw, what in raws.items():
        becomes = tuple(int(one) for one in _converted(layer, raw).ravel())
        if becomes in tried:
            continue
        tried.add(becomes)
        words = f"{what} is padded before the input converter, which makes {_both(sorted(set(becomes)))} of it"
        yield _at_padded("padding-converted", words, partial(_with_converted, raw=raw))


def _converted(layer: ConvolutionLayer, raw: int) -> NDArray[np.int8]:
    """What the input converter makes of a byte in each channel, (C, 1, 1)."""
    return layer.converter.apply(np.full((layer.channels, 1, 1), raw, np.uint8)).value


def _with_converted(padded: Padded, scene: Scene, raw: int) -> Padded:
    layer = scene.convolution
    assert layer is not None, "only a convolution pads"
    if not layer.converter.enabled:
        return padded
    changed = np.broadcast_to(_converted(layer, raw), padded.shape).copy()
    inside = _inside(layer)
    changed[inside] = padded[inside]
    return changed


def _bordered(padded: Padded, scene: Scene, mode: str) -> Padded:
    layer = scene.convolution
    assert layer is not None, "only a convolution pads"
    inside = padded[_inside(layer)]
    before = (0, layer.pad_top, layer.pad_left)
    widths = [
        (some, max(0, whole - some - one)) for some, one, whole in zip(before, inside.shape, padded.shape, strict=True)
    ]
    pad: Callable[..., Padded] = np.pad
    return pad(inside, widths, mode=mode)


def _inside(layer: ConvolutionLayer) -> tuple[slice, slice, slice]:
    rows = slice(layer.pad_top, layer.pad_top + layer.height)
    return slice(None), rows, slice(layer.pad_left, layer.pad_left + layer.width)


# Its place


def _place_mistakes(layer: ConvolutionLayer, pads: Sides) -> Iterator[Cause]:
    """Rows or columns of it on the other side, one too many or too few, none."""
    left = IMAGE_LEFT if layer.pixel else LEFT
    moves = []
    if pads.top != pads.bottom:
        moves.append((pads.bottom, pads.left, "above and below are swapped"))
    if pads.left != pads.right:
        moves.append((pads.top, pads.right, "left and right are swapped"))
    if pads.top != pads.left:
        moves.append((pads.left, pads.top, "PAD_TOP and PAD_LEFT are swapped"))
    if pads.top and pads.left:
        moves.append((0, 0, "there is none above and left"))
    moves += [(0, pads.left, "there is none above")] if pads.top else []
    moves += [(pads.top, 0, "there is none on the left")] if pads.left else []
    for by in (-1, 1):
        moves.append((pads.top + by, pads.left + by, f"there is {'one less' if by < 0 else 'one more'} above and left"))
        moves.append((pads.top + by, pads.left, f"there are {pads.top + by} rows above, not {pads.top}"))
        moves.append((pads.top, pads.left + by, f"there are {pads.left + by} columns on the left, not {pads.left}"))
    tried = {(pads.top, pads.left)}
    for top, across, what in moves:
        if (top, across) in tried or not 0 <= min(top, across) <= max(top, across) <= LARGEST_PADDING:
            continue
        tried.add((top, across))
        words = f"of the padding {what}" if "swapped" in what else f"of padding {what}"
        fields = {TOP: top, left: across}
        if layer.pixel:
            fields[IMAGE_RIGHT] = max(0, layer.image_width_with_padding - layer.width - across)
        yield _at_registers("padding-place", words, "PAD_TOP and PAD_LEFT", partial(_given, fields=fields), one=True)


def _given(_scene: Scene, fields: Mapping[str, int]) -> Mapping[str, int]:
    return fields


def _valued(_scene: Scene, across: int, along: int) -> Mapping[str, int]:
    return {SIDE_VALUE: across & LOW_BYTE, VALUE: along & LOW_BYTE}


def _int8(value: int) -> int:
    return (value + 128) % 256 - 128


def _both(values: list[int]) -> str:
    return " and ".join(str(one) for one in values) if len(values) < 3 else f"{values[0]} to {values[-1]}"


def _at_registers(
    key: str, words: str, look_at: str, fields: Callable[[Scene], Mapping[str, int]], *, one: bool = False
) -> Cause:
    def how(registers: LayerRegisters, scene: Scene) -> LayerRegisters:
        return registers.with_fields(fields(scene)) if scene.convolution is not None else registers

    advice = f"Compare {look_at} of CSC and CDMA with the program: padding comes after conversion."
    change = Change(Point.REGISTERS, how)
    return Cause(key, Family.DATA, "CSC", words, advice, (change,), everywhere=not one)


def _at_padded(key: str, words: str, how: Callable[[Padded, Scene], Padded]) -> Cause:
    advice = "The hardware pads with one constant behind the input converter: program what the value becomes there."
    return Cause(key, Family.DATA, "CSC", words, advice, (Change(Point.PADDED, how),), everywhere=True)
