// One CMAC cell: the sum of ATOMIC_C products int8 x int8, full width (hardware.md section 2), as a tree of
// adders. ATOMIC_C is a power of two.
//
// Latency: one cycle for each bit of REGISTERS that exists: bit 0 behind the products, bit l behind adder
// level l; enable has a bit for each (nvdla_pipeline_control). Lane l is bits [l*8 +: 8] of data and of
// weight. The sum cannot overflow.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cmac_cell #(
  parameter            ATOMIC_C  = 8,
  parameter            LEVELS    = $clog2(ATOMIC_C),
  parameter            SUM_WIDTH = `NVDLA_MAC_PRODUCT_WIDTH + LEVELS,
  parameter [LEVELS:0] REGISTERS = {(LEVELS+1){1'b0}}
) (
  input  wire                                     clk,
  input  wire [LEVELS:0]                          enable,

  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0] data,
  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0] weight,
  output wire [SUM_WIDTH-1:0]                     sum
);

  nvdla_parameter_check #(.NAME("nvdla_cmac_cell.ATOMIC_C"), .VALUE(ATOMIC_C), .LEAST(2), .POWER_OF_TWO(1))
    nvdla_cmac_cell_ATOMIC_C ();

  // Level 0 has the products, each level half as many sums as the one before, a bit wider.
  genvar level, node;
  generate
    for (level = 0; level <= LEVELS; level = level + 1) begin : gen_level
      localparam NODES = ATOMIC_C >> level;
      localparam WIDTH = `NVDLA_MAC_PRODUCT_WIDTH + level;

      wire [NODES*WIDTH-1:0] next_nodes;
      wire [NODES*WIDTH-1:0] nodes;

      for (node = 0; node < NODES; node = node + 1) begin : gen_node
        if (level == 0) begin : gen_product
          wire signed [`NVDLA_FEATURE_WIDTH-1:0] lane_data   = data[node*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH];
          wire signed [`NVDLA_FEATURE_WIDTH-1:0] lane_weight = weight[node*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH];
          wire signed [WIDTH-1:0]                product     = lane_data * lane_weight;

          assign next_nodes[node*WIDTH+:WIDTH] = product;
        end else begin : gen_sum
          wire signed [WIDTH-2:0] even = gen_level[level-1].nodes[2*node*(WIDTH-1)+:WIDTH-1];
          wire signed [WIDTH-2:0] odd  = gen_level[level-1].nodes[(2*node+1)*(WIDTH-1)+:WIDTH-1];

          assign next_nodes[node*WIDTH+:WIDTH] = {even[WIDTH-2], even} + {odd[WIDTH-2], odd};
        end
      end

      nvdla_pipeline_register #(
        .WIDTH     (NODES * WIDTH),
        .REGISTERED(REGISTERS[level])
      ) u_nodes (
        .clk   (clk),
        .enable(enable[level]),
        .in    (next_nodes),
        .out   (nodes)
      );
    end
  endgenerate

  assign sum = gen_level[LEVELS].nodes;

endmodule

`default_nettype wire
