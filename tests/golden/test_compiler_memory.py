"""Memory of tensors: one lies where another has been, never where one is still needed; what the host does is left."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from nvdla_int8.compiler.allocation import Block, arrange, check_apart
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.compiled import layer
from tests.golden.test_compiler_graphs import SAME, assert_written, feature, graph, residual


def blocks(rng: np.random.Generator, count: int) -> list[Block]:
    """Blocks of random sizes that are needed at random times."""
    times = np.sort(rng.integers(0, 20, (count, 2)), axis=1).tolist()
    sizes = (10.0 ** rng.uniform(0, 5, count)).astype(int).tolist()
    return [
        Block(f"t{at}", size, first, last) for at, (size, (first, last)) in enumerate(zip(sizes, times, strict=True))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_blocks_that_a_step_needs_together_lie_apart(seed: int) -> None:
    drawn = blocks(generator("tests", "arrange", seed), 30)
    arrangement = arrange(drawn)
    held = np.full((20, arrangement.size_bytes), -1)
    for number, block in enumerate(drawn):
        offset = arrangement.offsets[block.name]
        assert offset % 256 == 0
        mine = held[block.first_step : block.last_step + 1, offset : offset + block.size_bytes]
        assert mine.shape[1] == block.size_bytes
        assert (mine == -1).all()
        mine[:] = number
    at_once = max(sum(one.size_bytes for one in drawn if one.first_step <= step <= one.last_step) for step in range(20))
    assert at_once <= arrangement.size_bytes < arrangement.apart_bytes


def test_two_that_lie_in_the_same_memory_are_noticed() -> None:
    early, late, both = Block("early", 300, 0, 3), Block("late", 300, 4, 9), Block("both", 100, 3, 4)
    check_apart([early, late], {"early": 0, "late": 0})
    check_apart([early, late, both], {"early": 0, "late": 0, "both": 300})
    with pytest.raises(BenchError, match="late and both lie in the same memory"):
        check_apart([early, late, both], {"early": 512, "late": 0, "both": 256})
    with pytest.raises(BenchError, match="lie in the same memory"):
        check_apart([early, late, both], {"early": 0, "late": 512, "both": 299})


def chain() -> Network:
    rng = generator("tests", "memory", "chain")
    return Network.chain([layer(rng, (8, 8, 3, 3), SAME, name=f"c{number}") for number in range(6)])


def test_a_chain_needs_two_layers_outputs_at_once(tmp_path: Path) -> None:
    data = feature(generator("tests", "memory", "data"), 8, 16, 16)
    program = assert_written(tmp_path, chain(), data)
    assert (program.tensor_bytes, program.tensor_bytes_apart) == (2 * 8 * 256, 6 * 8 * 256)
    assert len({region.base for region in program.outputs}) == 2
    assert [region.name for region in program.final_outputs] == ["c4 output", "c5 output"]
    kept = assert_written(tmp_path / "kept", chain(), data, keep_layers=True)
    assert kept.tensor_bytes == kept.tensor_bytes_apart == program.tensor_bytes_apart
    assert kept.final_outputs == kept.outputs


def test_what_is_read_late_and_the_networks_outputs_stay(tmp_path: Path) -> None:
    rng = generator("tests", "memory", "late")
    network = graph(
        (layer(rng, (8, 8, 1, 1), name="early"), "in", "a"),
        (layer(rng, (8, 8, 3, 3), SAME, name="out"), "a", "b"),
        *((layer(rng, (8, 8, 1, 1), name=f"c{at}"), "b" if at == 0 else f"t{at - 1}", f"t{at}") for at in range(4)),
        (residual(), "t3 a", "c"),
        outputs="b c",
    )
    program = assert_written(tmp_path, network, feature(rng, 8, 5, 5))
    assert {"out output", "add output"} <= {region.name for region in program.final_outputs}
    assert program.tensor_bytes < program.tensor_bytes_apart


def test_an_output_that_lies_where_one_is_needed_does_not_go_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check of the arrangement, the device's bytes tell."""
    rng = generator("tests", "memory", "noticed")
    network = graph(
        (layer(rng, (8, 8, 1, 1), name="early"), "in", "a"),
        (layer(rng, (8, 8, 1, 1), name="next"), "a", "b"),
        (residual(), "b a", "c"),
    )
    monkeypatch.setattr(Block, "meets", lambda _one, _other: False)
    with pytest.raises(BenchError, match="gives other bytes than the layer program: a fault of this tool"):
        write_program("test", network, feature(rng, 8, 5, 5))


# The host


def softmax(name: str, output_scale: TensorScale | None = None) -> HostProgram:
    shape = ["N", "C", "H", "W"]
    values = [helper.make_tensor_value_info(one, TensorProto.FLOAT, shape) for one in ("x", "y")]
    nodes = [helper.make_node("Softmax", ["x"], ["y"], axis=1)]
    model = helper.make_model(
        helper.make_graph(nodes, "host", values[:1], values[1:]), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = min(model.ir_version, 10)
    onnx.checker.check_model(model)
    scale = TensorScale("scores", 0.1)
    return HostProgram(name=name, operator="Softmax", input_scales=(scale,), output_scale=output_scale, model=model)


def test_the_hosts_layers_at_the_end_are_left_out_and_named(tmp_path: Path) -> None:
    rng = generator("tests", "memory", "host")
    network = graph(
        (layer(rng, (8, 8, 3, 3), SAME, name="conv"), "in", "a"), (softmax("probabilities"), "a", "b"),
        (layer(rng, (8, 8, 3, 3), SAME, name="other"), "a", "c"),
        (layer(rng, (8, 8, 3, 3), SAME, name="third"), "c", "d"),
        outputs="b d",
    )  # fmt: skip
    program = assert_written(tmp_path, network, feature(rng, 8, 5, 5))
    assert program.on_host == ("probabilities",)
    assert "conv output" in {region.name for region in program.final_outputs}


def test_a_layer_behind_one_of_the_host_is_refused_by_name() -> None:
    rng = generator("tests", "memory", "host")
    network = graph(
        (softmax("soft", TensorScale("p", 1 / 127)), "in", "a"), (layer(rng, (8, 8, 1, 1), name="conv"), "a", "b")
    )
    with pytest.raises(BenchError, match=r"^test: layer conv: it goes on with layer soft, Softmax, which the host"):
        write_program("test", network, feature(rng, 8, 2, 2))
    alone = graph((softmax("soft"), "in", "a"))
    with pytest.raises(BenchError, match=r"^test: a program has at least one layer of the hardware$"):
        write_program("test", alone, feature(rng, 8, 2, 2))
