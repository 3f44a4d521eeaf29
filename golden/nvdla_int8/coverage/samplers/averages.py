"""What values do in PDP (pdp_cdp.md section 2): roundings of averages, sums that wrap, windows of extremes alone."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.coverage.plan import Sample
from nvdla_int8.coverage.watch import Watch
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.pooling import PoolingMethod, PoolingStages
from nvdla_int8.stages.widths import FEATURE, POOL_RECIPROCAL_FRACTION


def average_samples(layer: PoolingLayer, stages: PoolingStages) -> Iterator[Sample]:
    """Of the windows of a layer."""
    pooling = layer.pooling
    low, high = signed_range(FEATURE)
    if pooling.method is not PoolingMethod.AVERAGE:
        values = {
            f"{pooling.method.name} of the lowest": int(np.count_nonzero(stages.output == low)),
            f"{pooling.method.name} of the highest": int(np.count_nonzero(stages.output == high)),
        }
        yield Sample("extremes", {"window": values})
        return
    fraction = np.array(POOL_RECIPROCAL_FRACTION, np.int64)
    by_width, watch = stages.vertical.astype(np.int64) * pooling.reciprocal_w_q16, Watch()
    watch.arithmetic.rounding(by_width, fraction)
    by_both = by_width * pooling.reciprocal_h_q16 >> 2 * POOL_RECIPROCAL_FRACTION
    average = {
        "wraps low": int(np.count_nonzero(by_both < low - 1)),
        "wraps high": int(np.count_nonzero(by_both > high + 1)),
        "lowest": int(np.count_nonzero(stages.output == low)),
        "highest": int(np.count_nonzero(stages.output == high)),
    }
    yield Sample("windows", {"rounded": watch.rounded, "average": average})
