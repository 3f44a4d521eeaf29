// No timescale, implicit nets, blocking and nonblocking mixed, widths left to luck.
`include "TOY_defs.vh"
module TOY_sdp_copy (
  clk, rst_, go, done, width, height, channel, src, src_line, src_surf, dst, dst_line, dst_surf,
  awvalid, awready, awaddr, wvalid, wready, wdata, bvalid, arvalid, arready, araddr, rvalid, rdata, pwrbus
);
`include "TOY_states.vh"
input clk, rst_, go;
output done;
input [12:0] width, height, channel;
input [31:0] src, src_line, src_surf, dst, dst_line, dst_surf;
output awvalid; input awready; output [31:0] awaddr;
output wvalid; input wready; output [63:0] wdata; input bvalid;
output arvalid; input arready; output [31:0] araddr; input rvalid; input [63:0] rdata;
input [31:0] pwrbus;

reg [2:0] st;
reg done, awvalid, wvalid, arvalid;
reg [3:0] slot;
wire [12:0] x, y;
wire [12:0] s;

  TOY_counter #(13) u_x (clk, rst_, go, step, width, x, x_last);
  TOY_counter #(.W(13)) u_y (.clk(clk), .rst_(rst_), .clr(go), .inc(step & x_last), .limit(height), .value(y), .last(y_last));
  TOY_counter u_s (.clk(clk), .rst_(rst_), .clr(go), .inc(step & x_last & y_last), .limit(channel >> 3), .value(s), .last(s_last));

wire one = width == 0 && height == 0;
assign araddr = one ? src + s * 8 : src + s * src_surf + y * src_line + x * 8;
assign awaddr = one ? dst + s * 8 : dst + s * dst_surf + y * dst_line + x * 8;
assign step = st == ST_B && bvalid;

  TOY_RAM_64 u_ram (.clk(clk), .we(st == ST_R & rvalid), .wa(slot), .di(rdata), .ra(slot), .dout(wdata), .pwrbus());

always @(posedge clk or negedge rst_)
  if (!rst_) begin
    st <= ST_IDLE; done <= 0; awvalid <= 0; wvalid <= 0; arvalid <= 0; slot <= 0;
  end else begin
    done <= 0;
    case (st)
      ST_IDLE: if (go) begin st <= ST_AR; arvalid <= 1; end
      ST_AR: if (arready) begin arvalid <= 0; st <= ST_R; end
      ST_R: if (rvalid) begin awvalid <= 1; wvalid <= 1; st <= ST_W; end
      ST_W: begin
        if (awready) awvalid <= 0;
        if (wready) wvalid <= 0;
        if ((awready | !awvalid) & (wready | !wvalid)) st <= ST_B;
      end
      ST_B: if (bvalid) begin
        slot <= slot + 1;
        if (x_last & y_last & s_last) begin st <= ST_IDLE; done <= 1; end
        else begin st <= ST_AR; arvalid <= 1; end
      end
    endcase
  end
endmodule
