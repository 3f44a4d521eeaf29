"""Mistakes in how CDMA's input converter is programmed: sign, mean, offset, off (hardware.md section 2)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic
from nvdla_int8.stages.input_converter import MEAN_CHANNELS, Converted, InputConverter
from nvdla_int8.stages.widths import FEATURE

SIGN = "CDMA.D_DATAIN_FORMAT.PIXEL_SIGN_OVERRIDE"
ENABLE, OFFSET, MEAN_ON = "CDMA.D_CVT_CFG.CVT_EN", "CDMA.D_CVT_OFFSET.CVT_OFFSET", "CDMA.D_MEAN_FORMAT.MEAN_FORMAT"
MEANS = tuple(f"CDMA.D_MEAN_GLOBAL_{name}" for name in ("0.MEAN_RY", "0.MEAN_GU", "1.MEAN_BV", "1.MEAN_AX"))

_ORDERS = ((2, 1, 0), (3, 2, 1, 0), (1, 2, 3, 0), (3, 0, 1, 2), (1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1))

MIDDLES = (128, 127)
"""What people subtract from pixels when they have no mean."""

Fields = Mapping[str, int]


def suggest_converter_mistakes(scene: Scene) -> Iterator[Cause]:
    """Those that change how this layer's input is converted."""
    if scene.convolution is None or not _fetches(scene):
        return
    converter = scene.convolution.converter
    if converter.enabled:
        if converter.pixel:
            other = "signed" if converter.unsigned else "unsigned"
            yield _cause("pixel-sign", f"the pixels are read as {other}", "PIXEL_SIGN_OVERRIDE", _other_sign)
        if not _identity(converter):
            yield _cause("input-converter-off", "the input converter is off", "CVT_EN", _switched_off)
        yield from _mean_mistakes(converter, scene.convolution.channels)
        yield from _offset_mistakes(converter)
    else:
        if not _identity(converter):
            yield _cause("input-converter-on", "the input converter is on", "CVT_EN", _switched_on)
        if converter.unsigned:
            words = "pixels above 127 become 127, though the input converter is off and the hardware reads them as int8"
            yield _cause_at_converter("pixels-saturate", words, _saturated)


def _mean_mistakes(converter: InputConverter, channels: int) -> Iterator[Cause]:
    if converter.mean is None:
        return
    mean = np.array(converter.mean, np.int64)
    used = mean[:channels]
    effective = np.any(used != converter.offset)
    if effective:
        words = f"the mean is not subtracted, the offset {converter.offset} is"
        yield _cause("mean-ignored", words, "MEAN_FORMAT", lambda scene: {MEAN_ON: 0})
    if converter.offset and used.any():
        words = "neither mean nor offset is subtracted"
        yield _cause("mean-ignored", words, "MEAN_FORMAT", lambda scene: {MEAN_ON: 0, OFFSET: 0})
    if used.any():
        yield _cause("mean-added", "the mean is added, not subtracted", "the signs of MEAN_RY to MEAN_AX", _mean_added)
    tried = {tuple(used)}
    for order in orders_of(channels):
        if tuple(mean[list(order)]) not in tried:
            tried.add(tuple(mean[list(order)]))
            words = f"the channels' means are in the order {', '.join(map(str, order))}"
            yield _cause("mean-order", words, "MEAN_RY to MEAN_AX", partial(_means_from, order=order))
    for channel in range(channels):
        if np.any(used != used[channel]):
            words = f"the mean of channel {channel}, {used[channel]}, is subtracted from all"
            yield _cause("mean-of-one", words, "MEAN_RY to MEAN_AX", partial(_means_from, order=(channel,) * channels))
    for middle in MIDDLES:
        if np.any(used != middle):
            words = f"{middle} is subtracted from all channels, not the mean"
            yield _cause("mean-middle", words, "MEAN_RY to MEAN_AX", partial(_one_mean, value=middle))
    if used.any():
        yield _cause("mean-twice", "the mean is subtracted twice", "whether the image has its mean", _mean_twice)
    if converter.offset:
        words = f"the offset {converter.offset} is subtracted beside the mean, which replaces it"
        yield _cause_at_converter("mean-and-offset", words, _mean_and_offset)


def _offset_mistakes(converter: InputConverter) -> Iterator[Cause]:
    if converter.mean is not None:
        return
    offset = converter.offset
    if offset:
        words = f"the input converter's offset {offset} is not subtracted"
        yield _cause("input-offset-ignored", words, "CVT_OFFSET", lambda scene: {OFFSET: 0})
        words = f"the input converter's offset {offset} is added, not subtracted"
        yield _cause("input-offset-added", words, "the sign of CVT_OFFSET", _offset_added)
        words = f"the input converter's offset {offset} is subtracted twice"
        yield _cause("input-offset-twice", words, "whether the image has its mean", _offset_twice)
    for middle in MIDDLES:
        if converter.pixel and offset != middle:
            words = f"the input converter subtracts {middle}, not {offset}"
            yield _cause("input-offset-middle", words, "CVT_OFFSET", partial(_given, value=middle))


def orders_of(channels: int) -> Iterator[tuple[int, ...]]:
    """Orders in which the channels of an image get mixed up, the likeliest first: of the first three, of all four."""
    for order in _ORDERS:
        if len(order) == channels or (len(order) == channels - 1 == len("RGB")):
            yield (*order, *range(len(order), channels))


# What the registers become, of any layer: no field where the mistake does not concern it


def _other_sign(scene: Scene) -> Fields:
    converter = _converter(scene)
    return {SIGN: int(converter.unsigned)} if converter and converter.pixel else {}


def _switched_off(scene: Scene) -> Fields:
    return {ENABLE: 0} if _converter(scene) else {}


def _switched_on(scene: Scene) -> Fields:
    return {ENABLE: 1} if _converter(scene) else {}


def _given(scene: Scene, value: int) -> Fields:
    return {OFFSET: value} if _converter(scene) else {}


def _offset_added(scene: Scene) -> Fields:
    converter = _converter(scene)
    return {OFFSET: _low16(-converter.offset)} if converter else {}


def _offset_twice(scene: Scene) -> Fields:
    converter = _converter(scene)
    return {OFFSET: _low16(2 * converter.offset)} if converter else {}


def _mean_added(scene: Scene) -> Fields:
    return {name: _low16(-value) for name, value in _means(scene).items()}


def _mean_twice(scene: Scene) -> Fields:
    return {name: _low16(2 * value) for name, value in _means(scene).items()}


def _means_from(scene: Scene, order: tuple[int, ...]) -> Fields:
    """The mean of each channel is that of another one."""
    means = _means(scene)
    values = list(means.values())
    return {name: values[channel] for name, channel in zip(means, order, strict=False)}


def _one_mean(scene: Scene, value: int) -> Fields:
    return dict.fromkeys(_means(scene), value)


def _means(scene: Scene) -> dict[str, int]:
    """The layer's means by field; none where it has none."""
    converter = _converter(scene)
    if converter is None or converter.mean is None:
        return {}
    return dict(zip(MEANS, converter.mean, strict=False))


def _converter(scene: Scene) -> InputConverter | None:
    return scene.convolution.converter if scene.convolution is not None else None


def _low16(value: int) -> int:
    return value & 0xFFFF


# What becomes of a pixel where no register says so


def _saturated(apply: Callable[..., Converted], scene: Scene) -> Callable[..., Converted]:
    converter = _converter(scene)
    if converter is None or converter.enabled or not converter.unsigned:
        return apply

    def clipped(data: NDArray[np.integer], arithmetic: Arithmetic = HARDWARE) -> Converted:
        highest = (1 << FEATURE - 1) - 1
        value = np.minimum(data.view(np.uint8), highest).astype(np.int8)
        return Converted(value, np.zeros(data.shape, np.bool_), data.view(np.uint8) > highest)

    return clipped


def _mean_and_offset(apply: Callable[..., Converted], scene: Scene) -> Callable[..., Converted]:
    converter = _converter(scene)
    if converter is None or converter.mean is None:
        return apply

    def convert(data: NDArray[np.integer], arithmetic: Arithmetic = HARDWARE) -> Converted:
        offsets = converter.offsets(len(data))[:, None, None] + converter.offset
        return converter.convert(converter.read(data), offsets, arithmetic)

    return convert


def _identity(converter: InputConverter) -> bool:
    """It gives what it takes, on or off."""
    plain = converter.scale == 1 and not converter.truncate_bits and not converter.unsigned
    mean = (converter.offset,) * MEAN_CHANNELS if converter.mean is None else converter.mean
    return plain and not any(mean)


def _fetches(scene: Scene) -> bool:
    result = scene.layer.run.convolution
    return result is not None and result.fetch.data


def _cause(key: str, words: str, look_at: str, fields: Callable[[Scene], Fields]) -> Cause:
    def how(registers: LayerRegisters, scene: Scene) -> LayerRegisters:
        return registers.with_fields(fields(scene))

    advice = f"Compare {look_at} of CDMA with the program."
    return Cause(key, Family.DATA, "CDMA", words, advice, (Change(Point.REGISTERS, how),), everywhere=True)


def _cause_at_converter(
    key: str, words: str, how: Callable[[Callable[..., Converted], Scene], Callable[..., Converted]]
) -> Cause:
    advice = (
        "This is a model that differs from the hardware: look at what it does with a pixel (hardware.md section 2)."
    )
    return Cause(key, Family.DATA, "CDMA", words, advice, (Change(Point.CONVERTER, how),), everywhere=True)
