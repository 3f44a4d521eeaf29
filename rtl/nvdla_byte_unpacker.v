// Cuts a stream of words into runs of bytes: words of WORD_BYTES (a power of two) in, and in each
// cycle the next out_bytes (0..WORD_BYTES) of the stream out.
//
// out_valid says that out_bytes are there, out_ready takes them; out_bytes may change while out_valid
// is low, and 0 bytes are always there. Bytes of out_data beyond out_bytes are 0. in_ready depends on
// out_bytes and out_ready combinationally.
// Latency: one cycle from a word to its first byte; a word a cycle, at any alignment.
`default_nettype none

module nvdla_byte_unpacker #(
  parameter WORD_BYTES  = 8,
  parameter BYTES_WIDTH = $clog2(WORD_BYTES + 1)
) (
  input  wire                    clk,
  input  wire                    rst_n,

  input  wire                    in_valid,
  output wire                    in_ready,
  input  wire [WORD_BYTES*8-1:0] in_data,

  input  wire [BYTES_WIDTH-1:0]  out_bytes,
  output wire                    out_valid,
  input  wire                    out_ready,
  output wire [WORD_BYTES*8-1:0] out_data
);

  nvdla_parameter_check #(.NAME("nvdla_byte_unpacker.WORD_BYTES"), .VALUE(WORD_BYTES), .LEAST(2), .POWER_OF_TWO(1))
    nvdla_byte_unpacker_WORD_BYTES ();

  // Two words: what is left of one, up to WORD_BYTES, and the next behind it.
  localparam COUNT_WIDTH = BYTES_WIDTH + 1;

  localparam [COUNT_WIDTH-1:0] WORD = WORD_BYTES[COUNT_WIDTH-1:0];

  reg [COUNT_WIDTH-1:0]    count_q;
  reg [2*WORD_BYTES*8-1:0] buffer_q;

  assign out_valid = count_q >= {1'b0, out_bytes};

  // Whether the bytes are taken is known late: everything is made for both.
  wire                      take        = out_valid && out_ready;
  wire [COUNT_WIDTH-1:0]    behind      = count_q - {1'b0, out_bytes};
  wire                      fits_kept   = count_q <= WORD;
  wire                      fits_behind = behind <= WORD;
  wire [2*WORD_BYTES*8-1:0] word        = {{WORD_BYTES*8{1'b0}}, in_data};
  wire [2*WORD_BYTES*8-1:0] none        = {2*WORD_BYTES*8{1'b0}};

  wire [2*WORD_BYTES*8-1:0] if_kept  = buffer_q | (in_valid && fits_kept ? word << {count_q, 3'b000} : none);
  wire [2*WORD_BYTES*8-1:0] if_taken = (buffer_q >> {out_bytes, 3'b000}) |
                                       (in_valid && fits_behind ? word << {behind, 3'b000} : none);

  wire [COUNT_WIDTH-1:0] count_if_kept  = in_valid && fits_kept ? count_q + WORD : count_q;
  wire [COUNT_WIDTH-1:0] count_if_taken = in_valid && fits_behind ? behind + WORD : behind;

  assign in_ready = take ? fits_behind : fits_kept;

  genvar index;
  generate
    for (index = 0; index < WORD_BYTES; index = index + 1) begin : gen_byte
      assign out_data[index*8+:8] = (index < out_bytes) ? buffer_q[index*8+:8] : 8'd0;
    end
  endgenerate

  // Bytes of the buffer beyond count_q are 0: the next word is ORed in behind what is kept.
  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      count_q  <= {COUNT_WIDTH{1'b0}};
      buffer_q <= {2*WORD_BYTES*8{1'b0}};
    end else begin
      count_q  <= take ? count_if_taken : count_if_kept;
      buffer_q <= take ? if_taken : if_kept;
    end
  end

endmodule

`default_nettype wire
