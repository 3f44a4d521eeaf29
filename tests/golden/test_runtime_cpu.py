"""The CPU's tasks against plain arithmetic, one element after the other."""

import math
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.container import Task
from nvdla_int8.loadable.cpu_descriptors import (
    CpuBuffer,
    CpuBuffers,
    CpuNetworkDescriptor,
    CpuOperationType,
    CpuPower,
    CpuSoftmax,
)
from nvdla_int8.loadable.tasks import CpuOperation, CpuTask
from nvdla_int8.runtime.cpu_tasks import power, run_cpu_task, softmax
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.memory import Memory

SOFTMAX = CpuSoftmax(CpuOperationType.SOFTMAX, 0.3348654508590698, 0.007931686006486416, 1)
LOGITS = np.array([-6, -17, 21, 25, 18, -3, 0, -8, -11, -18], np.int8)


def half(value: float) -> float:
    [rounded] = struct.unpack("<e", struct.pack("<e", value))
    return float(rounded)


def single(value: float) -> float:
    [rounded] = struct.unpack("<f", struct.pack("<f", value))
    return float(rounded)


def plain_softmax(data: NDArray[np.int8], operation: CpuSoftmax) -> list[int]:
    scale, step = single(operation.input_scale), single(operation.output_scale)
    real = [half(single(int(value) * scale)) for value in data]
    powers = [single(math.exp(single(value - max(real)))) for value in real]
    total = 0.0
    for one in powers:
        total = single(total + one)
    shares = [half(single(one / total)) for one in powers]
    return [max(-128, min(127, int(single(share / step)))) for share in shares]


def test_softmax_gives_the_published_classes_of_a_resnet() -> None:
    assert softmax(LOGITS, SOFTMAX).tolist() == [0, 0, 24, 92, 8, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("number", range(20))
def test_softmax_equals_plain_arithmetic(number: int) -> None:
    rng = generator("softmax", number)
    data = rng.integers(-128, 128, rng.integers(1, 40), dtype=np.int8)
    scale, step = (float(rng.uniform(0.001, most)) for most in (0.5, 0.1))
    operation = replace(SOFTMAX, input_scale=scale, output_scale=step)
    assert softmax(data, operation).tolist() == plain_softmax(data, operation)


def test_softmax_rounds_its_shares_to_half() -> None:
    # e^-0.5 / (1 + e^-0.5 + e^-4.5) = 0.37492 becomes 0.37500, the nearest half: 48 / 128
    operation = replace(SOFTMAX, input_scale=0.5, output_scale=1 / 128)
    assert softmax(np.array([8, 9, 0], np.int8), operation).tolist() == [48, 79, 0]


def test_power_saturates_and_cuts_off_towards_zero() -> None:
    operation = CpuPower(CpuOperationType.POWER, 0.5, 0.25, power=1.0, scale=1.5, shift=0.1)
    data = np.array([-128, -3, -1, 0, 1, 3, 127], np.int8)
    # (0.1 + 1.5 * q / 2) / 0.25 = 0.4 + 3 q
    assert power(data, operation).tolist() == [-128, -8, -2, 0, 3, 9, 127]


def test_power_of_a_square_root_below_zero_is_refused() -> None:
    operation = CpuPower(CpuOperationType.POWER, 1.0, 1.0, power=0.5, scale=1.0, shift=0.0)
    assert power(np.array([4, 9], np.int8), operation).tolist() == [2, 3]
    with pytest.raises(BenchError, match="not a number"):
        power(np.array([-4], np.int8), operation)


class _Addresses:
    """ALI n lies at n * 4096."""

    def address(self, task: Task, ali: int, offset: int = 0) -> int:
        return ali * 4096 + offset


def _run(operation: CpuPower | CpuSoftmax, source: CpuBuffer, target: CpuBuffer, memory: Memory) -> None:
    task = Task(7, 2, -1, (), (), ())
    operations = (CpuOperation(0, operation, CpuBuffers(source, target)),)
    map_of: Any = _Addresses()
    run_cpu_task(CpuTask(task, CpuNetworkDescriptor(1, 2, 1), operations), map_of, memory)


BUFFER = CpuBuffer(address=1, offset=64, size=64, format=1, width=1, height=1, channel=10, line_stride=8, surf_stride=8)


def test_softmax_of_a_task_reads_and_writes_at_its_buffers() -> None:
    memory = Memory()
    memory.write_bytes(4096 + 64, LOGITS.tobytes())
    _run(SOFTMAX, BUFFER, replace(BUFFER, address=2, offset=8), memory)
    assert list(memory.read_bytes(2 * 4096 + 8, 11)) == [0, 0, 24, 92, 8, 0, 0, 0, 0, 0, 0]


def test_power_of_a_task_goes_by_the_atom_of_its_format() -> None:
    memory = Memory()
    memory.write_bytes(4096, bytes(range(100)))
    source = replace(BUFFER, offset=0, width=2, height=2, channel=9, line_stride=16, surf_stride=32)
    operation = CpuPower(CpuOperationType.POWER, 1.0, 1.0, power=1.0, scale=1.0, shift=1.0)
    _run(operation, source, replace(source, address=2), memory)
    written = list(memory.read_bytes(2 * 4096, 64))
    assert written[:32] == list(range(1, 33))
    assert written[32:] == [33, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 0, 0, 0, 0, 49, 0, 0, 0, 0, 0, 0, 0, 57] + [0] * 7


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 3}, "formats 1 of its source and 3"),
        ({"channel": 11}, "its source has 10 x 1 x 1 elements, its destination 11 channels"),
    ],
)
def test_cpu_task_that_the_runtime_refuses_is_one_line(change: dict[str, int], why: str) -> None:
    with pytest.raises(BenchError, match=f"task 7: operation 0: .*{why}"):
        _run(SOFTMAX, BUFFER, replace(BUFFER, **change), Memory())


def test_cpu_task_of_half_numbers_is_named() -> None:
    half_numbers = replace(BUFFER, format=3)
    with pytest.raises(BenchError, match="its format is 3, int8 are 0 CXHWX_X32_INT8, 1 CXHWX_X8_INT8"):
        _run(SOFTMAX, half_numbers, half_numbers, Memory())


def test_softmax_without_scales_is_refused() -> None:
    with pytest.raises(BenchError, match="not a number"):
        softmax(LOGITS, replace(SOFTMAX, output_scale=0.0))
