// Sums of squares of an atom's channels and their neighbours (pdp_cdp.md section 6): over 3, 5, 7 or 9
// channels centred on each, by length; with bypass the channel itself.
//
// in_data is the atom between its REACH neighbours on both sides, lowest channel first; out_values is the
// atom. Latency: four cycles, one atom a cycle: squares, pairs of neighbours, two halves, their sum.
// Handshake: a beat moves when valid and ready are both high; in_ready depends on out_ready combinationally; flags
// pass along. The configuration is stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_sum #(
  parameter LANES       = 8,
  parameter REACH       = 4,
  parameter FLAGS_WIDTH = 1
) (
  input  wire                                                  clk,
  input  wire                                                  rst_n,

  input  wire [`NVDLA_CDP_D_LRN_CFG_NORMALZ_LEN_WIDTH-1:0]     length,
  input  wire                                                  bypass,

  input  wire                                                  in_valid,
  output wire                                                  in_ready,
  input  wire [(LANES+2*REACH)*`NVDLA_LRN_CONVERTED_WIDTH-1:0] in_data,
  input  wire [FLAGS_WIDTH-1:0]                                in_flags,

  output wire                                                  out_valid,
  input  wire                                                  out_ready,
  output wire [LANES*`NVDLA_LRN_SUM_WIDTH-1:0]                 out_sums,
  output wire [LANES*`NVDLA_LRN_CONVERTED_WIDTH-1:0]           out_values,
  output wire [FLAGS_WIDTH-1:0]                                out_flags
);

  localparam CHANNELS = LANES + 2 * REACH;
  localparam VALUE    = `NVDLA_LRN_CONVERTED_WIDTH;
  localparam SQUARE   = 2 * VALUE;
  localparam SUM      = `NVDLA_LRN_SUM_WIDTH;
  localparam STAGES   = 4;

  wire [STAGES-1:0] enable;

  nvdla_pipeline_control #(
    .STAGES(STAGES)
  ) u_control (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .enable   (enable)
  );

  wire [LANES*VALUE-1:0] values;

  nvdla_pipeline_delay #(
    .WIDTH (LANES * VALUE),
    .STAGES(STAGES - 1)
  ) u_values (
    .clk   (clk),
    .enable(enable[STAGES-2:0]),
    .in    (in_data[REACH*VALUE+:LANES*VALUE]),
    .out   (values)
  );

  nvdla_pipeline_register #(
    .WIDTH(LANES * VALUE)
  ) u_out_values (
    .clk   (clk),
    .enable(enable[STAGES-1]),
    .in    (values),
    .out   (out_values)
  );

  nvdla_pipeline_delay #(
    .WIDTH (FLAGS_WIDTH),
    .STAGES(STAGES)
  ) u_flags (
    .clk   (clk),
    .enable(enable),
    .in    (in_flags),
    .out   (out_flags)
  );

  wire [CHANNELS*SQUARE-1:0] squares;

  genvar channel;
  generate
    for (channel = 0; channel < CHANNELS; channel = channel + 1) begin : gen_square
      wire signed [VALUE-1:0] value = in_data[channel*VALUE+:VALUE];
      wire [SQUARE-1:0]       square = value * value;

      nvdla_pipeline_register #(
        .WIDTH(SQUARE)
      ) u_square (
        .clk   (clk),
        .enable(enable[0]),
        .in    (square),
        .out   (squares[channel*SQUARE+:SQUARE])
      );
    end
  endgenerate

  genvar lane;
  genvar distance;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      // Neighbours at equal distance come in together, length + 1 on each side.
      wire [REACH*SUM-1:0] pairs;

      for (distance = 1; distance <= REACH; distance = distance + 1) begin : gen_pair
        wire              comes_in = distance <= {30'd0, length} + 32'd1;
        wire [SQUARE-1:0] lower    = squares[(lane+REACH-distance)*SQUARE+:SQUARE] & {SQUARE{comes_in}};
        wire [SQUARE-1:0] upper    = squares[(lane+REACH+distance)*SQUARE+:SQUARE] & {SQUARE{comes_in}};

        nvdla_pipeline_register #(
          .WIDTH(SUM)
        ) u_pair (
          .clk   (clk),
          .enable(enable[1]),
          .in    ({{(SUM-SQUARE){1'b0}}, lower} + {{(SUM-SQUARE){1'b0}}, upper}),
          .out   (pairs[(distance-1)*SUM+:SUM])
        );
      end

      wire [SQUARE-1:0] square;
      wire [SUM-1:0]    near;
      wire [SUM-1:0]    far;
      wire [VALUE-1:0]  value = values[lane*VALUE+:VALUE];

      nvdla_pipeline_register #(
        .WIDTH(SQUARE)
      ) u_square (
        .clk   (clk),
        .enable(enable[1]),
        .in    (squares[(lane+REACH)*SQUARE+:SQUARE]),
        .out   (square)
      );

      reg [SUM-1:0] next_near;
      reg [SUM-1:0] next_far;

      integer pair;
      always @* begin
        next_near = {{(SUM-SQUARE){1'b0}}, square};
        next_far  = {SUM{1'b0}};
        for (pair = 0; pair < REACH; pair = pair + 1) begin
          if (pair < REACH / 2) next_near = next_near + pairs[pair*SUM+:SUM];
          else next_far = next_far + pairs[pair*SUM+:SUM];
        end
      end

      nvdla_pipeline_register #(
        .WIDTH(2 * SUM)
      ) u_halves (
        .clk   (clk),
        .enable(enable[2]),
        .in    ({next_near, next_far}),
        .out   ({near, far})
      );

      nvdla_pipeline_register #(
        .WIDTH(SUM)
      ) u_sum (
        .clk   (clk),
        .enable(enable[3]),
        .in    (bypass ? {{(SUM-VALUE){value[VALUE-1]}}, value} : near + far),
        .out   (out_sums[lane*SUM+:SUM])
      );
    end
  endgenerate

endmodule

`default_nettype wire
