"""``nvdla-int8 serve``: a simulated device as if it were a board, behind the TCP bridge."""

from pathlib import Path

import click

from nvdla_bench.commands.options import DUT_OPTION, SIM_OPTION, require_bench
from nvdla_bench.player.player_file import Settings
from nvdla_int8.seeds import checked_or_fresh
from nvdla_int8.transport.simulated import SERVES


@click.command(short_help="Serve a simulated device like a board, over TCP.")
@DUT_OPTION
@SIM_OPTION
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen at.  [default: a free one]")
@click.option("--once", is_flag=True, help="End when the first client has gone.")
@click.option("--latency", type=click.IntRange(0), default=Settings().latency_cycles, show_default=True,
              help="Cycles from a memory request to its answer.")  # fmt: skip
@click.option("--stalls", type=click.FloatRange(0, 0.95), default=0.0, show_default=True,
              help="Share of the cycles in which a channel stalls.")  # fmt: skip
def serve(dut_path: Path, sim: str, host: str, port: int, once: bool, latency: int, stalls: float) -> None:
    """Serve the registers and the memory of a simulated device until it is interrupted.

    What is printed, tcp:HOST:PORT, is what --on takes. The simulator stands still between a client's requests.
    """
    require_bench()
    from nvdla_bench.dut.description import load_dut  # needs the extra bench
    from nvdla_bench.serving.serve import serve_device

    serve_device(
        load_dut(dut_path), sim, checked_or_fresh(), host=host, port=port, once=once,
        latency_cycles=latency, stall_rate=stalls, serving=lambda found: click.echo(f"{SERVES}tcp:{host}:{found}"),
    )  # fmt: skip
