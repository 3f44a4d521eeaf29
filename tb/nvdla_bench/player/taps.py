"""Verilog of the bench that watches a device inside: recorders of its stages, checkers of its streams."""

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
    valid, ready, instance = f"dut.{nets.valid}", f"dut.{nets.ready}", name.replace(".", "_")
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
