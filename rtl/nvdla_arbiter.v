// Whose turn it is among CLIENTS requests: the first one that asks, from the one behind the last that was
// taken.
//
// Latency: none; grant depends on request in the same cycle, and the turn passes on with the clock edge
// of a cycle in which take is high and somebody asks. grant has one bit at most, none when nobody asks.
`default_nettype none

module nvdla_arbiter #(
  parameter CLIENTS = 2
) (
  input  wire               clk,
  input  wire               rst_n,

  input  wire [CLIENTS-1:0] request,
  input  wire               take,
  output wire [CLIENTS-1:0] grant
);

  nvdla_parameter_check #(.NAME("nvdla_arbiter.CLIENTS"), .VALUE(CLIENTS), .LEAST(2)) nvdla_arbiter_CLIENTS ();

  // The clients behind the last that was taken: they go before the others.
  reg [CLIENTS-1:0] behind_q;

  wire [CLIENTS-1:0] early = request & behind_q;
  wire               first = early == {CLIENTS{1'b0}};

  // A client waits when one before it asks.
  reg [CLIENTS-1:0] early_waits;
  reg [CLIENTS-1:0] waits;
  integer           client;

  always @* begin
    early_waits[0] = 1'b0;
    waits[0]       = 1'b0;
    for (client = 1; client < CLIENTS; client = client + 1) begin
      early_waits[client] = early_waits[client-1] || early[client-1];
      waits[client]       = waits[client-1] || request[client-1];
    end
  end

  assign grant = first ? request & ~waits : early & ~early_waits;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) behind_q <= {CLIENTS{1'b0}};
    else if (take && |request) behind_q <= first ? waits : early_waits;
  end

endmodule

`default_nettype wire
