// Reads and writes GLB registers of docs/soc_example.v through APB and prints what comes back, in how many
// cycles of PENABLE.
`timescale 1ns / 1ps

module soc_example_bench;

  reg         clk = 1'b0;
  reg         rst_n = 1'b0;
  reg         psel = 1'b0, penable = 1'b0, pwrite = 1'b0;
  reg  [17:0] paddr = 18'd0;
  reg  [31:0] pwdata = 32'd0;
  wire        pready, irq;
  wire [31:0] prdata;

  always #1 clk = !clk;

  soc_example u_soc (
    .clk(clk), .rst_n(rst_n), .irq(irq),
    .psel(psel), .penable(penable), .pwrite(pwrite), .paddr(paddr), .pwdata(pwdata),
    .pready(pready), .prdata(prdata),
    .m_axi_awready(1'b1), .m_axi_wready(1'b1), .m_axi_bvalid(1'b0), .m_axi_bid(8'd0), .m_axi_bresp(2'd0),
    .m_axi_arready(1'b1), .m_axi_rvalid(1'b0), .m_axi_rid(8'd0), .m_axi_rdata(64'd0), .m_axi_rresp(2'd0),
    .m_axi_rlast(1'b0)
  );

  integer cycles;

  task access(input write, input [17:0] address, input [31:0] data);
    begin
      @(negedge clk);
      {psel, penable, pwrite, paddr, pwdata} = {1'b1, 1'b0, write, address, data};
      @(negedge clk);
      penable = 1'b1;
      cycles = 1;
      while (!pready) begin
        @(negedge clk);
        cycles = cycles + 1;
      end
      $display("%0s %05x %08x %0d", write ? "write" : "read", address, write ? data : prdata, cycles);
      @(negedge clk);
      {psel, penable} = 2'b00;
    end
  endtask

  initial begin
    repeat (20) @(negedge clk);
    rst_n = 1'b1;
    repeat (16) @(negedge clk);
    access(1'b0, 18'h01000, 32'd0);
    access(1'b1, 18'h01004, 32'h00000001);
    access(1'b0, 18'h01004, 32'd0);
    access(1'b1, 18'h01008, 32'h00000002);
    $display("interrupt %b", irq);
    access(1'b1, 18'h0100c, 32'h00000002);
    $display("interrupt %b", irq);
    $finish;
  end

endmodule
