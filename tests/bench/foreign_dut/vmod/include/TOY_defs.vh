`define TOY_BLK_GLB   6'd1
`define TOY_BLK_CDMA  6'd3
`define TOY_BLK_RDMA  6'd8
`define TOY_BLK_SDP   6'd9
