"""Compiled networks on the core in both orders of work, every byte and stage; ``make sim LOADABLE=``."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from networks.loadable_sim import main
from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_int8.compiler.forms import write_as_trace
from nvdla_int8.driver.driver import Order
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.runtime.loadable_program import LoadableProgram, write_loadable
from tests import loadable_store
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import for_batch
from tests.golden.test_write_loadable import seeded

NETWORKS = (
    ("concat", "per_kernel"), ("conv_pool_ave", "per_kernel"), ("fc", "per_filter"), ("image_rgb", "per_filter"),
    ("pool_ceil", "per_filter"), ("residual", "per_kernel"), ("tanh", "per_filter"),
)  # fmt: skip
"""Concatenation, pooling, pixels, a sum, SDP from memory."""


def test_core_runs_compiled_networks_in_both_orders_under_stalls(tmp_path: Path) -> None:
    programs = [(*network, order) for network in NETWORKS for order in Order]
    traces = [
        write_as_trace(seeded(network, mode, order), tmp_path / f"{network}_{order.value}")[0]
        for network, mode, order in programs
    ]
    traces.append(write_as_trace(batch_of_three(tmp_path), tmp_path / "batch")[0])
    settings = Settings(latency_cycles=24).with_stalls(0.3)
    options = ReplayOptions(load_dut(DEFAULT_DUT), "verilator", "loadables", settings, runs=tmp_path / "runs")
    results = replay_on_rtl(traces, options)
    assert [result.line() for result in results if not result.passed] == []
    assert all(count.compared for result in results for count in result.stages)
    compared = [sum(count.compared for count in result.stages) for result in results]
    assert compared[:-1:2] == compared[1::2]


def batch_of_three(folder: Path) -> LoadableProgram:
    """Layers that wait for nothing of one another: both groups of a unit run."""
    path = loadable_store.loadable("concat", "per_kernel")
    batch = read_loadable(for_batch(Draft.of(path), 3).write(folder / "batch.nvdla"))
    tensor = loadable_store.network_input(path)
    [program] = write_loadable("batch", batch, [np.stack([tensor, tensor[:, ::-1], 0 * tensor])])
    return program


def test_make_sim_runs_a_compiled_network_and_tells_its_output_and_cycles(tmp_path: Path) -> None:
    path = loadable_store.loadable("fc", "per_kernel")
    np.save(tmp_path / "input.npy", loadable_store.network_input(path))
    arguments = ["--loadable", str(path), "--images", str(tmp_path / "input.npy"), "--seed", "fc"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "image0_driver.cfg" in result.output
    assert "image0_layers.cfg" in result.output
    [output] = [line for line in result.output.splitlines() if line.startswith("output ")]
    expected = loadable_store.rtl_tensors(path)["layer3"].ravel().tolist()
    assert output.endswith(" ".join(map(str, expected)))
    assert "2 passed, 0 failed" in result.output
