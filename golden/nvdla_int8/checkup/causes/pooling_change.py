"""How a mistake gets into a pooling layer: other parameters, or another way to run it."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.points import Point
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.stages.pooling import Pooling, PoolingStages

Cube = NDArray[np.int8]
Run = Callable[[Cube], PoolingStages]

UNIT = "PDP"


def with_other(key: str, words: str, advice: str, **changed: object) -> Cause:
    """The layer with other parameters; its output keeps its size."""
    return pooling_cause(key, words, advice, partial(_with_parameters, changed))


def _with_parameters(changed: dict[str, object], run: Run, scene: Scene) -> Run:
    layer = layer_of(scene)
    pooling = Pooling(**{**layer.pooling.model_dump(), **changed})
    return lambda cube: pooling.pool(cube, layer.out_height, layer.out_width)


def layer_of(scene: Scene) -> PoolingLayer:
    """The layer of PDP, of which the cause was suggested."""
    assert scene.pooling is not None, "only suggested for layers of PDP"
    return scene.pooling


def pooling_cause(key: str, words: str, advice: str, how: Callable[[Run, Scene], Run]) -> Cause:
    """A mistake of PDP: ``how`` takes what runs the layer and gives what runs it with the mistake."""
    return Cause(key, Family.CONTROL, UNIT, words, advice, (Change(Point.POOLING, how),))


def padded(pooling: Pooling) -> bool:
    """There is padding on some side."""
    return any((pooling.pad_left, pooling.pad_right, pooling.pad_top, pooling.pad_bottom))
