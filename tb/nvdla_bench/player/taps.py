"""Verilog of the bench that watches a device inside: recorders of its stages, checkers and counters of its streams."""

from collections.abc import Mapping

from nvdla_bench.dut.description import StageTap, StreamNets
from nvdla_bench.player.stage_check import SUFFIX


def recorder(name: str, tap: StageTap) -> str:
    """Verilog that writes each beat that a stage hands on, "cycle data", to its file."""
    return f"""\
  integer {name}_file = 0;
  always @(posedge clk) begin
    if (recording && {name}_file == 0) {name}_file = $fopen("{name}{SUFFIX}", "w");
    if (!recording && {name}_file != 0) begin
      $fclose({name}_file);
      {name}_file = 0;
    end
    if ({name}_file != 0 && dut.{tap.valid} && dut.{tap.ready})
      $fwrite({name}_file, "%0d %h\\n", cycle, dut.{tap.data});
  end
"""


def checker(name: str, nets: StreamNets) -> str:
    """SystemVerilog that checks the handshake of a stream inside.

    The payload is looked at here: a parameter for its width could not be taken from the net.
    """
    payload = "{" + ", ".join(f"dut.{net}" for net in nets.payload) + "}"
    valid, ready, instance = f"dut.{nets.valid}", f"dut.{nets.ready}", _identifier(name)
    return f"""\
  wire [31:0] {instance}_breaches;
  nvdla_stream_checker #(.NAME("{name}"), .WIDTH(1)) {instance} (
    .clk(clk), .rst_n(dla_reset_rstn), .finish(finish), .valid({valid}), .ready({ready}), .payload(1'b0),
    .count_known(1'b0), .count_expected(32'd0), .breaches({instance}_breaches)
  );
  assert property (@(posedge clk) disable iff (!dla_reset_rstn)
    {valid} && !{ready} |=> !{valid} || $stable({payload}))
    else {instance}.u_log.breach("payload-changed",
      $sformatf("payload 0x%0h to 0x%0h", $past({payload}), $sampled({payload})));
"""


def counter(name: str, nets: StreamNets) -> str:
    """Verilog that counts the beats of a stream from the program's start."""
    return f"""\
  reg [31:0] {_identifier(name)}_beats = 32'd0;
  always @(posedge clk)
    if (!recording) {_identifier(name)}_beats <= 32'd0;
    else if (dut.{nets.valid} && dut.{nets.ready}) {_identifier(name)}_beats <= {_identifier(name)}_beats + 32'd1;
"""


def stream_report(streams: Mapping[str, StreamNets]) -> str:
    """Verilog of the task that tells, in a line a stream, "b cycle name beats valid ready"."""
    lines = [
        f'    $fwrite(log_file, "b %0d {name} %0d %b %b\\n", cycle, {_identifier(name)}_beats,\n'
        f"            dut.{nets.valid}, dut.{nets.ready});\n"
        for name, nets in streams.items()
    ]
    return f"  task report_streams;\n    begin\n{''.join(lines)}    end\n  endtask\n"


def _identifier(stream: str) -> str:
    return stream.replace(".", "_")
