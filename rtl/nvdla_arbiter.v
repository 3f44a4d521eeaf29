// Whose turn it is among CLIENTS requests: the first one that asks, from the one behind the last that was
// taken.
//
// Latency: none; chosen and grant depend on request in the same cycle, and the turn passes on with the
// clock edge of a cycle in which take is high and somebody asks. grant has the bit of chosen, and none
// when nobody asks.
`default_nettype none

module nvdla_arbiter #(
  parameter CLIENTS      = 2,
  parameter CLIENT_WIDTH = $clog2(CLIENTS)
) (
  input  wire                    clk,
  input  wire                    rst_n,

  input  wire [CLIENTS-1:0]      request,
  input  wire                    take,
  output reg  [CLIENT_WIDTH-1:0] chosen,
  output wire [CLIENTS-1:0]      grant
);

  nvdla_parameter_check #(.NAME("nvdla_arbiter.CLIENTS"), .VALUE(CLIENTS), .LEAST(2)) nvdla_arbiter_CLIENTS ();

  localparam [31:0] LAST_CLIENT = CLIENTS - 1;

  reg [CLIENT_WIDTH-1:0] turn_q;

  reg                    found;
  reg [CLIENT_WIDTH-1:0] candidate;
  integer                step;

  always @* begin
    chosen    = {CLIENT_WIDTH{1'b0}};
    found     = 1'b0;
    candidate = turn_q;
    for (step = 0; step < CLIENTS; step = step + 1) begin
      if (!found && request[candidate]) begin
        chosen = candidate;
        found  = 1'b1;
      end
      candidate = (candidate == LAST_CLIENT[CLIENT_WIDTH-1:0]) ? {CLIENT_WIDTH{1'b0}} : candidate + 1'b1;
    end
  end

  assign grant = found ? ({{(CLIENTS-1){1'b0}}, 1'b1} << chosen) : {CLIENTS{1'b0}};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) turn_q <= {CLIENT_WIDTH{1'b0}};
    else if (take && found) turn_q <= (chosen == LAST_CLIENT[CLIENT_WIDTH-1:0]) ? {CLIENT_WIDTH{1'b0}} : chosen + 1'b1;
  end

endmodule

`default_nettype wire
