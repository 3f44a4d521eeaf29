"""cocotb test: runs the programs of a batch, one after another, each with its own settings of memory and bus."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import cocotb

from nvdla_bench.player.bench import Player, Protocol, replay_trace
from nvdla_bench.player.job import FOLDER_VARIABLE, ReplayJob
from nvdla_bench.regression.runner import read_settings


@cocotb.test()
async def replay_programs(dut: Any) -> None:
    """Replay every program and keep every result; what they are worth is judged outside."""
    job = ReplayJob.open(Path(os.environ[FOLDER_VARIABLE]))
    player, protocol = Player(dut), Protocol(dut, job)
    for index, (trace, settings) in enumerate(zip(job.traces, read_settings(job.folder), strict=True)):
        result = await replay_trace(player, replace(job, settings=settings), trace, protocol)
        job.store(index, result.as_dict())
