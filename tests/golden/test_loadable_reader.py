from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import ConvolutionOperation, OperationType
from nvdla_int8.loadable.loadable import is_loadable, read_loadable
from tests.loadable_store import loadable


def test_loadable_reads_tasks_operations_and_tensors() -> None:
    lenet = read_loadable(loadable("lenet", "per_filter"))
    (hardware,) = lenet.hardware_tasks
    assert [operation.type for operation in hardware.operations].count(OperationType.CONV) == 4
    first = hardware.operations[0].operation
    assert isinstance(first, ConvolutionOperation)
    assert (first.input_width_csc, first.kernel_width_csc, first.conv_stride_x) == (28, 5, 1)
    assert [(one.tensor.name, one.tensor.c, one.tensor.h) for one in lenet.inputs] == [("data", 1, 28)]
    assert len(lenet.cpu_tasks) == 1


def test_loadable_cut_off_is_one_line(tmp_path: Path) -> None:
    data = loadable("conv_relu", "per_kernel").read_bytes()
    for size in range(0, len(data), 97):
        path = tmp_path / "cut.nvdla"
        path.write_bytes(data[:size])
        with pytest.raises(BenchError) as caught:
            read_loadable(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_is_loadable_tells_by_name_or_content(tmp_path: Path) -> None:
    other = tmp_path / "network.bin"
    other.write_bytes(b"\0" * 100)
    assert not is_loadable(other)
    assert is_loadable(tmp_path / "any.nvdla")
