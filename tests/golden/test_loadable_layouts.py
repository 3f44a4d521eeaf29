"""Loadables written and read again: both layouts, batches, several tasks, and what is not run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.errors import BenchError, BenchErrors
from nvdla_int8.loadable.cpu_descriptors import CpuPower
from nvdla_int8.loadable.descriptors import ConvolutionOperation, SdpOperation
from nvdla_int8.loadable.layers import LoadableLayer, loadable_layers
from nvdla_int8.loadable.loadable import Loadable, read_loadable
from nvdla_int8.loadable.structures import Layout
from nvdla_int8.loadable.tasks import HardwareOperation
from nvdla_int8.loadable.unsupported import check_supported, unsupported
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import edited, for_batch, in_two_tasks, with_power
from tests.loadable_store import all_loadables, loadable

SMALL = (
    ("per_kernel", "concat"),
    ("per_filter", "residual"),
    ("per_kernel", "conv_pool_ave"),
    ("per_filter", "image_rgb"),
)


def same_layers(first: Loadable, second: Loadable) -> None:
    """Both hold the same layers, wherever they lie in memory."""

    def known(layer: LoadableLayer) -> tuple[object, ...]:
        return (
            layer.name, layer.parts, layer.input_shape, layer.output_shape, layer.geometry, layer.converter,
            layer.x1 and layer.x1.stage, layer.x2 and layer.x2.stage, layer.sources, layer.addends,
        )  # fmt: skip

    layers = list(zip(loadable_layers(first), loadable_layers(second), strict=True))
    for one, other in layers:
        assert known(one) == known(other)
        for mine, theirs in ((one.weights, other.weights), (one.factors, other.factors), (one.bias, other.bias)):
            assert (mine is None) == (theirs is None)
            assert mine is None or theirs is None or np.array_equal(mine, theirs)


@pytest.mark.parametrize("path", all_loadables(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_rebuilt_file_reads_equal_in_either_layout(path: Path, tmp_path: Path) -> None:
    original = read_loadable(path)
    draft = Draft.of_loadable(original)
    new = read_loadable(draft.write(tmp_path / "new.nvdla"))
    assert new.tasks == original.tasks
    assert new.container.blobs == original.container.blobs
    assert (new.inputs, new.outputs, new.notes) == (original.inputs, original.outputs, ())
    old = read_loadable(draft.write(tmp_path / "old.nvdla", Layout.OLD))
    assert {task.layout for task in old.hardware_tasks} == {Layout.OLD}
    assert old.notes == ()
    same_layers(original, old)


@pytest.mark.parametrize(("mode", "name"), SMALL)
@pytest.mark.parametrize(("layout", "version"), [(Layout.OLD, (0, 12, 3)), (Layout.NEW, (0, 10, 0))])
def test_wrong_version_gives_way_to_what_makes_sense(
    mode: str, name: str, layout: Layout, version: tuple[int, ...], tmp_path: Path
) -> None:
    original = read_loadable(loadable(name, mode))
    path = tmp_path / "wrong.nvdla"
    path.write_bytes(Draft.of_loadable(original).to_bytes(layout, version))
    found = read_loadable(path)
    (note,) = found.notes
    assert f"is {'.'.join(map(str, version))}, which goes with" in note
    assert f"only {layout.value} make sense" in note
    same_layers(original, found)


def test_descriptors_without_sense_in_either_layout_are_one_line(tmp_path: Path) -> None:
    def spoil(one: HardwareOperation) -> HardwareOperation:
        assert one.surface is not None
        cube = replace(one.surface.dst_data, type=7)
        return replace(one, surface=replace(one.surface, dst_data=cube))

    path = edited(Draft.of(loadable("conv_relu", "per_kernel")), 1, spoil).write(tmp_path / "spoilt.nvdla")
    with pytest.raises(BenchError, match="SDP 1: dst_data has type 7") as caught:
        read_loadable(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("mode", "name"), SMALL)
def test_batch_is_shown_as_layers_of_several_elements(mode: str, name: str, tmp_path: Path) -> None:
    single = loadable_layers(read_loadable(loadable(name, mode)))
    draft = for_batch(Draft.of(loadable(name, mode)), 3)
    layers = loadable_layers(read_loadable(draft.write(tmp_path / "batch.nvdla")))
    assert [layer.batch for layer in layers] == [3] * len(single)
    assert [layer.inputs for layer in layers] == [layer.inputs for layer in single]
    assert [layer.output_shape for layer in layers] == [layer.output_shape for layer in single]
    assert layers[0].parts == ((0, 3), (1, 4), (2, 5))


def test_batch_of_a_split_convolution_has_parts_of_each_element(tmp_path: Path) -> None:
    draft = for_batch(Draft.of(loadable("big_data", "per_kernel")), 2)
    (layer,) = loadable_layers(read_loadable(draft.write(tmp_path / "batch.nvdla")))
    assert layer.batch == 2
    assert len(layer.parts) == 6
    assert (layer.input_shape, layer.output_shape) == ((64, 60, 60), (16, 60, 60))


def test_layers_of_several_tasks_know_each_others_tensors(tmp_path: Path) -> None:
    draft = in_two_tasks(Draft.of(loadable("residual", "per_filter")), 2)
    layers = loadable_layers(read_loadable(draft.write(tmp_path / "two.nvdla")))
    assert [layer.name for layer in layers] == ["CONV 0 + SDP 1", "task 1: CONV 0 + SDP 1", "task 1: CONV 2 + SDP 3"]
    assert [layer.inputs for layer in layers] == [("input",), (0,), (1, 0)]


@pytest.mark.parametrize("layout", Layout)
def test_cpu_power_is_read_in_either_layout(layout: Layout, tmp_path: Path) -> None:
    power = CpuPower(0, 0.5, 0.25, 2.0, 3.0, 1.0)
    path = with_power(Draft.of(loadable("lenet", "per_filter")), power).write(tmp_path / "power.nvdla", layout)
    (task,) = read_loadable(path).cpu_tasks
    assert task.operations[0].operation == (
        replace(power, input_scale=0, output_scale=0) if layout is Layout.OLD else power
    )


def test_everything_unsupported_is_named_at_once(tmp_path: Path) -> None:
    def spoil_convolution(one: HardwareOperation) -> HardwareOperation:
        assert isinstance(one.operation, ConvolutionOperation)
        return replace(one, operation=replace(one.operation, conv_mode=1, weight_format=1, in_precision=1, batch=2))

    def spoil_sdp(one: HardwareOperation) -> HardwareOperation:
        assert isinstance(one.operation, SdpOperation)
        y = replace(one.operation.y_op, enable=1, act=2)
        return replace(one, operation=replace(one.operation, y_op=y, lut_index=0))

    draft = edited(edited(Draft.of(loadable("conv_relu", "per_kernel")), 0, spoil_convolution), 1, spoil_sdp)
    found = read_loadable(draft.write(tmp_path / "other.nvdla"))
    assert [line.removeprefix("task 0: ") for line in unsupported(found)] == [
        "CONV 0: in_precision 1 (INT16), only INT8 is run",
        "CONV 0: conv_mode 1 (Winograd), only direct convolution is run",
        "CONV 0: batch 2: a descriptor of several images, the compiler writes one for each",
        "CONV 0: weight_format 1 (compressed weights), nv_small reads dense ones only",
        "SDP 1: y_op computes (type 0, act 2), nv_small has no Y unit",
        "SDP 1: lut_index 0: nv_small's SDP has no look-up table",
    ]
    with pytest.raises(BenchErrors) as caught:
        check_supported(found)
    assert len(caught.value.problems) == 6


def test_every_network_of_ours_is_supported() -> None:
    for path in all_loadables():
        check_supported(read_loadable(path))


def test_build_is_told_by_atoms_and_by_half_precision(tmp_path: Path) -> None:
    draft = Draft.of(loadable("conv_relu", "per_kernel"))
    assert read_loadable(draft.write(tmp_path / "small.nvdla")).build.names == ("nv_small",)
    without = replace(
        draft.container, tensors=tuple(replace(tensor, pixel_format=36) for tensor in draft.container.tensors)
    )
    by_cube = read_loadable(Draft(without, draft.tasks).write(tmp_path / "cube.nvdla")).build
    assert by_cube.names == ("nv_small",)
    assert "CONV 0: a line of 12 pixels takes 96 bytes" in by_cube.evidence

    def large(one: HardwareOperation) -> HardwareOperation:
        assert one.surface is not None
        wider = {}
        for name in ("src_data", "dst_data"):
            cube = getattr(one.surface, name)
            wider[name] = replace(cube, line_stride=32 * cube.width, surf_stride=32 * cube.width * cube.height)
        return replace(one, surface=replace(one.surface, **wider))

    wide = edited(edited(Draft(without, draft.tasks), 0, large), 1, large)
    found = read_loadable(wide.write(tmp_path / "large.nvdla"))
    assert found.build.names == ("nv_large", "nv_full")
    assert "is compiled for nv_large or nv_full, only nv_small is run" in unsupported(found)[0]

    def half(one: HardwareOperation) -> HardwareOperation:
        assert isinstance(one.operation, SdpOperation)
        return replace(one, operation=replace(one.operation, src_precision=2, dst_precision=2))

    halved = read_loadable(edited(wide, 1, half).write(tmp_path / "half.nvdla"))
    assert halved.build.names == ("nv_full",)
    assert "SDP 1 computes in FP16" in halved.build.evidence
