// Configuration registers of the streaming top, write only, at nv_small's addresses.
//
// cfg_addr is the word address (byte address / 4). Unknown addresses are accepted and ignored. A write
// takes effect on the next cycle; cfg_ready is low while busy, so no beat sees a register change.
`include "nvdla_int8.vh"

module nvdla_stream_config (
  input  wire        clk,
  input  wire        rst_n,

  input  wire        busy,

  input  wire        cfg_valid,
  output wire        cfg_ready,
  input  wire [15:0] cfg_addr,
  input  wire [31:0] cfg_wdata,

  output reg  [`NVDLA_CDMA_D_DATAIN_FORMAT_DATAIN_FORMAT_WIDTH-1:0] pixel,
  output reg  [`NVDLA_CDMA_D_DATAIN_FORMAT_PIXEL_SIGN_OVERRIDE_WIDTH-1:0] pixel_signed,
  output reg  [`NVDLA_CDMA_D_MEAN_FORMAT_MEAN_FORMAT_WIDTH-1:0] mean_enable,
  output reg  [`NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_RY_WIDTH-1:0] mean_ry,
  output reg  [`NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_GU_WIDTH-1:0] mean_gu,
  output reg  [`NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_BV_WIDTH-1:0] mean_bv,
  output reg  [`NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_AX_WIDTH-1:0] mean_ax,
  output reg  [`NVDLA_CDMA_D_CVT_CFG_CVT_EN_WIDTH-1:0] cvt_enable,
  output reg  [`NVDLA_CDMA_D_CVT_CFG_CVT_TRUNCATE_WIDTH-1:0] cvt_truncate,
  output reg  [`NVDLA_CDMA_D_CVT_OFFSET_CVT_OFFSET_WIDTH-1:0] cvt_offset,
  output reg  [`NVDLA_CDMA_D_CVT_SCALE_CVT_SCALE_WIDTH-1:0] cvt_scale,
  output reg  [`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH-1:0] pad_value,
  output reg  [`NVDLA_CACC_D_CLIP_CFG_CLIP_TRUNCATE_WIDTH-1:0] acc_truncate,
  output reg  [`NVDLA_SDP_D_DP_BS_CFG_BS_BYPASS_WIDTH-1:0] bs_bypass,
  output reg  [`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_BYPASS_WIDTH-1:0] bs_alu_bypass,
  output reg  [`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_ALGO_WIDTH-1:0] bs_alu_algo,
  output reg  [`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_BYPASS_WIDTH-1:0] bs_mul_bypass,
  output reg  [`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_PRELU_WIDTH-1:0] bs_mul_prelu,
  output reg  [`NVDLA_SDP_D_DP_BS_CFG_BS_RELU_BYPASS_WIDTH-1:0] bs_relu_bypass,
  output reg  [`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SRC_WIDTH-1:0] bs_alu_src,
  output reg  [`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SHIFT_VALUE_WIDTH-1:0] bs_alu_shift,
  output reg  [`NVDLA_SDP_D_DP_BS_ALU_SRC_VALUE_BS_ALU_OPERAND_WIDTH-1:0] bs_alu_operand,
  output reg  [`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SRC_WIDTH-1:0] bs_mul_src,
  output reg  [`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SHIFT_VALUE_WIDTH-1:0] bs_mul_shift,
  output reg  [`NVDLA_SDP_D_DP_BS_MUL_SRC_VALUE_BS_MUL_OPERAND_WIDTH-1:0] bs_mul_operand,
  output reg  [`NVDLA_SDP_D_DP_BN_CFG_BN_BYPASS_WIDTH-1:0] bn_bypass,
  output reg  [`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_BYPASS_WIDTH-1:0] bn_alu_bypass,
  output reg  [`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_ALGO_WIDTH-1:0] bn_alu_algo,
  output reg  [`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_BYPASS_WIDTH-1:0] bn_mul_bypass,
  output reg  [`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_PRELU_WIDTH-1:0] bn_mul_prelu,
  output reg  [`NVDLA_SDP_D_DP_BN_CFG_BN_RELU_BYPASS_WIDTH-1:0] bn_relu_bypass,
  output reg  [`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SRC_WIDTH-1:0] bn_alu_src,
  output reg  [`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SHIFT_VALUE_WIDTH-1:0] bn_alu_shift,
  output reg  [`NVDLA_SDP_D_DP_BN_ALU_SRC_VALUE_BN_ALU_OPERAND_WIDTH-1:0] bn_alu_operand,
  output reg  [`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SRC_WIDTH-1:0] bn_mul_src,
  output reg  [`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SHIFT_VALUE_WIDTH-1:0] bn_mul_shift,
  output reg  [`NVDLA_SDP_D_DP_BN_MUL_SRC_VALUE_BN_MUL_OPERAND_WIDTH-1:0] bn_mul_operand,
  output reg  [`NVDLA_SDP_D_DATA_FORMAT_OUT_PRECISION_WIDTH-1:0] out_precision,
  output reg  [`NVDLA_SDP_D_CVT_OFFSET_CVT_OFFSET_WIDTH-1:0] out_offset,
  output reg  [`NVDLA_SDP_D_CVT_SCALE_CVT_SCALE_WIDTH-1:0] out_scale,
  output reg  [`NVDLA_SDP_D_CVT_SHIFT_CVT_SHIFT_WIDTH-1:0] out_shift
);

  assign cfg_ready = !busy;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      pixel <= `NVDLA_CDMA_D_DATAIN_FORMAT_DATAIN_FORMAT_RESET;
      pixel_signed <= `NVDLA_CDMA_D_DATAIN_FORMAT_PIXEL_SIGN_OVERRIDE_RESET;
      mean_enable <= `NVDLA_CDMA_D_MEAN_FORMAT_MEAN_FORMAT_RESET;
      mean_ry <= `NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_RY_RESET;
      mean_gu <= `NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_GU_RESET;
      mean_bv <= `NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_BV_RESET;
      mean_ax <= `NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_AX_RESET;
      cvt_enable <= `NVDLA_CDMA_D_CVT_CFG_CVT_EN_RESET;
      cvt_truncate <= `NVDLA_CDMA_D_CVT_CFG_CVT_TRUNCATE_RESET;
      cvt_offset <= `NVDLA_CDMA_D_CVT_OFFSET_CVT_OFFSET_RESET;
      cvt_scale <= `NVDLA_CDMA_D_CVT_SCALE_CVT_SCALE_RESET;
      pad_value <= `NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_RESET;
      acc_truncate <= `NVDLA_CACC_D_CLIP_CFG_CLIP_TRUNCATE_RESET;
      bs_bypass <= `NVDLA_SDP_D_DP_BS_CFG_BS_BYPASS_RESET;
      bs_alu_bypass <= `NVDLA_SDP_D_DP_BS_CFG_BS_ALU_BYPASS_RESET;
      bs_alu_algo <= `NVDLA_SDP_D_DP_BS_CFG_BS_ALU_ALGO_RESET;
      bs_mul_bypass <= `NVDLA_SDP_D_DP_BS_CFG_BS_MUL_BYPASS_RESET;
      bs_mul_prelu <= `NVDLA_SDP_D_DP_BS_CFG_BS_MUL_PRELU_RESET;
      bs_relu_bypass <= `NVDLA_SDP_D_DP_BS_CFG_BS_RELU_BYPASS_RESET;
      bs_alu_src <= `NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SRC_RESET;
      bs_alu_shift <= `NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SHIFT_VALUE_RESET;
      bs_alu_operand <= `NVDLA_SDP_D_DP_BS_ALU_SRC_VALUE_BS_ALU_OPERAND_RESET;
      bs_mul_src <= `NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SRC_RESET;
      bs_mul_shift <= `NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SHIFT_VALUE_RESET;
      bs_mul_operand <= `NVDLA_SDP_D_DP_BS_MUL_SRC_VALUE_BS_MUL_OPERAND_RESET;
      bn_bypass <= `NVDLA_SDP_D_DP_BN_CFG_BN_BYPASS_RESET;
      bn_alu_bypass <= `NVDLA_SDP_D_DP_BN_CFG_BN_ALU_BYPASS_RESET;
      bn_alu_algo <= `NVDLA_SDP_D_DP_BN_CFG_BN_ALU_ALGO_RESET;
      bn_mul_bypass <= `NVDLA_SDP_D_DP_BN_CFG_BN_MUL_BYPASS_RESET;
      bn_mul_prelu <= `NVDLA_SDP_D_DP_BN_CFG_BN_MUL_PRELU_RESET;
      bn_relu_bypass <= `NVDLA_SDP_D_DP_BN_CFG_BN_RELU_BYPASS_RESET;
      bn_alu_src <= `NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SRC_RESET;
      bn_alu_shift <= `NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SHIFT_VALUE_RESET;
      bn_alu_operand <= `NVDLA_SDP_D_DP_BN_ALU_SRC_VALUE_BN_ALU_OPERAND_RESET;
      bn_mul_src <= `NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SRC_RESET;
      bn_mul_shift <= `NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SHIFT_VALUE_RESET;
      bn_mul_operand <= `NVDLA_SDP_D_DP_BN_MUL_SRC_VALUE_BN_MUL_OPERAND_RESET;
      out_precision <= `NVDLA_SDP_D_DATA_FORMAT_OUT_PRECISION_RESET;
      out_offset <= `NVDLA_SDP_D_CVT_OFFSET_CVT_OFFSET_RESET;
      out_scale <= `NVDLA_SDP_D_CVT_SCALE_CVT_SCALE_RESET;
      out_shift <= `NVDLA_SDP_D_CVT_SHIFT_CVT_SHIFT_RESET;
    end else if (cfg_valid && cfg_ready) begin
      case (cfg_addr)
        `NVDLA_CDMA_D_DATAIN_FORMAT_ADDR: begin
          pixel <= cfg_wdata[`NVDLA_CDMA_D_DATAIN_FORMAT_DATAIN_FORMAT_LSB+:`NVDLA_CDMA_D_DATAIN_FORMAT_DATAIN_FORMAT_WIDTH];
          pixel_signed <= cfg_wdata[`NVDLA_CDMA_D_DATAIN_FORMAT_PIXEL_SIGN_OVERRIDE_LSB+:`NVDLA_CDMA_D_DATAIN_FORMAT_PIXEL_SIGN_OVERRIDE_WIDTH];
        end
        `NVDLA_CDMA_D_MEAN_FORMAT_ADDR: begin
          mean_enable <= cfg_wdata[`NVDLA_CDMA_D_MEAN_FORMAT_MEAN_FORMAT_LSB+:`NVDLA_CDMA_D_MEAN_FORMAT_MEAN_FORMAT_WIDTH];
        end
        `NVDLA_CDMA_D_MEAN_GLOBAL_0_ADDR: begin
          mean_ry <= cfg_wdata[`NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_RY_LSB+:`NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_RY_WIDTH];
          mean_gu <= cfg_wdata[`NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_GU_LSB+:`NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_GU_WIDTH];
        end
        `NVDLA_CDMA_D_MEAN_GLOBAL_1_ADDR: begin
          mean_bv <= cfg_wdata[`NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_BV_LSB+:`NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_BV_WIDTH];
          mean_ax <= cfg_wdata[`NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_AX_LSB+:`NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_AX_WIDTH];
        end
        `NVDLA_CDMA_D_CVT_CFG_ADDR: begin
          cvt_enable <= cfg_wdata[`NVDLA_CDMA_D_CVT_CFG_CVT_EN_LSB+:`NVDLA_CDMA_D_CVT_CFG_CVT_EN_WIDTH];
          cvt_truncate <= cfg_wdata[`NVDLA_CDMA_D_CVT_CFG_CVT_TRUNCATE_LSB+:`NVDLA_CDMA_D_CVT_CFG_CVT_TRUNCATE_WIDTH];
        end
        `NVDLA_CDMA_D_CVT_OFFSET_ADDR: begin
          cvt_offset <= cfg_wdata[`NVDLA_CDMA_D_CVT_OFFSET_CVT_OFFSET_LSB+:`NVDLA_CDMA_D_CVT_OFFSET_CVT_OFFSET_WIDTH];
        end
        `NVDLA_CDMA_D_CVT_SCALE_ADDR: begin
          cvt_scale <= cfg_wdata[`NVDLA_CDMA_D_CVT_SCALE_CVT_SCALE_LSB+:`NVDLA_CDMA_D_CVT_SCALE_CVT_SCALE_WIDTH];
        end
        `NVDLA_CSC_D_ZERO_PADDING_VALUE_ADDR: begin
          pad_value <= cfg_wdata[`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_LSB+:`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH];
        end
        `NVDLA_CACC_D_CLIP_CFG_ADDR: begin
          acc_truncate <= cfg_wdata[`NVDLA_CACC_D_CLIP_CFG_CLIP_TRUNCATE_LSB+:`NVDLA_CACC_D_CLIP_CFG_CLIP_TRUNCATE_WIDTH];
        end
        `NVDLA_SDP_D_DP_BS_CFG_ADDR: begin
          bs_bypass <= cfg_wdata[`NVDLA_SDP_D_DP_BS_CFG_BS_BYPASS_LSB+:`NVDLA_SDP_D_DP_BS_CFG_BS_BYPASS_WIDTH];
          bs_alu_bypass <= cfg_wdata[`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_BYPASS_LSB+:`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_BYPASS_WIDTH];
          bs_alu_algo <= cfg_wdata[`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_ALGO_LSB+:`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_ALGO_WIDTH];
          bs_mul_bypass <= cfg_wdata[`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_BYPASS_LSB+:`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_BYPASS_WIDTH];
          bs_mul_prelu <= cfg_wdata[`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_PRELU_LSB+:`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_PRELU_WIDTH];
          bs_relu_bypass <= cfg_wdata[`NVDLA_SDP_D_DP_BS_CFG_BS_RELU_BYPASS_LSB+:`NVDLA_SDP_D_DP_BS_CFG_BS_RELU_BYPASS_WIDTH];
        end
        `NVDLA_SDP_D_DP_BS_ALU_CFG_ADDR: begin
          bs_alu_src <= cfg_wdata[`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SRC_LSB+:`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SRC_WIDTH];
          bs_alu_shift <= cfg_wdata[`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SHIFT_VALUE_LSB+:`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SHIFT_VALUE_WIDTH];
        end
        `NVDLA_SDP_D_DP_BS_ALU_SRC_VALUE_ADDR: begin
          bs_alu_operand <= cfg_wdata[`NVDLA_SDP_D_DP_BS_ALU_SRC_VALUE_BS_ALU_OPERAND_LSB+:`NVDLA_SDP_D_DP_BS_ALU_SRC_VALUE_BS_ALU_OPERAND_WIDTH];
        end
        `NVDLA_SDP_D_DP_BS_MUL_CFG_ADDR: begin
          bs_mul_src <= cfg_wdata[`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SRC_LSB+:`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SRC_WIDTH];
          bs_mul_shift <= cfg_wdata[`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SHIFT_VALUE_LSB+:`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SHIFT_VALUE_WIDTH];
        end
        `NVDLA_SDP_D_DP_BS_MUL_SRC_VALUE_ADDR: begin
          bs_mul_operand <= cfg_wdata[`NVDLA_SDP_D_DP_BS_MUL_SRC_VALUE_BS_MUL_OPERAND_LSB+:`NVDLA_SDP_D_DP_BS_MUL_SRC_VALUE_BS_MUL_OPERAND_WIDTH];
        end
        `NVDLA_SDP_D_DP_BN_CFG_ADDR: begin
          bn_bypass <= cfg_wdata[`NVDLA_SDP_D_DP_BN_CFG_BN_BYPASS_LSB+:`NVDLA_SDP_D_DP_BN_CFG_BN_BYPASS_WIDTH];
          bn_alu_bypass <= cfg_wdata[`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_BYPASS_LSB+:`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_BYPASS_WIDTH];
          bn_alu_algo <= cfg_wdata[`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_ALGO_LSB+:`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_ALGO_WIDTH];
          bn_mul_bypass <= cfg_wdata[`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_BYPASS_LSB+:`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_BYPASS_WIDTH];
          bn_mul_prelu <= cfg_wdata[`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_PRELU_LSB+:`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_PRELU_WIDTH];
          bn_relu_bypass <= cfg_wdata[`NVDLA_SDP_D_DP_BN_CFG_BN_RELU_BYPASS_LSB+:`NVDLA_SDP_D_DP_BN_CFG_BN_RELU_BYPASS_WIDTH];
        end
        `NVDLA_SDP_D_DP_BN_ALU_CFG_ADDR: begin
          bn_alu_src <= cfg_wdata[`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SRC_LSB+:`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SRC_WIDTH];
          bn_alu_shift <= cfg_wdata[`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SHIFT_VALUE_LSB+:`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SHIFT_VALUE_WIDTH];
        end
        `NVDLA_SDP_D_DP_BN_ALU_SRC_VALUE_ADDR: begin
          bn_alu_operand <= cfg_wdata[`NVDLA_SDP_D_DP_BN_ALU_SRC_VALUE_BN_ALU_OPERAND_LSB+:`NVDLA_SDP_D_DP_BN_ALU_SRC_VALUE_BN_ALU_OPERAND_WIDTH];
        end
        `NVDLA_SDP_D_DP_BN_MUL_CFG_ADDR: begin
          bn_mul_src <= cfg_wdata[`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SRC_LSB+:`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SRC_WIDTH];
          bn_mul_shift <= cfg_wdata[`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SHIFT_VALUE_LSB+:`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SHIFT_VALUE_WIDTH];
        end
        `NVDLA_SDP_D_DP_BN_MUL_SRC_VALUE_ADDR: begin
          bn_mul_operand <= cfg_wdata[`NVDLA_SDP_D_DP_BN_MUL_SRC_VALUE_BN_MUL_OPERAND_LSB+:`NVDLA_SDP_D_DP_BN_MUL_SRC_VALUE_BN_MUL_OPERAND_WIDTH];
        end
        `NVDLA_SDP_D_DATA_FORMAT_ADDR: begin
          out_precision <= cfg_wdata[`NVDLA_SDP_D_DATA_FORMAT_OUT_PRECISION_LSB+:`NVDLA_SDP_D_DATA_FORMAT_OUT_PRECISION_WIDTH];
        end
        `NVDLA_SDP_D_CVT_OFFSET_ADDR: begin
          out_offset <= cfg_wdata[`NVDLA_SDP_D_CVT_OFFSET_CVT_OFFSET_LSB+:`NVDLA_SDP_D_CVT_OFFSET_CVT_OFFSET_WIDTH];
        end
        `NVDLA_SDP_D_CVT_SCALE_ADDR: begin
          out_scale <= cfg_wdata[`NVDLA_SDP_D_CVT_SCALE_CVT_SCALE_LSB+:`NVDLA_SDP_D_CVT_SCALE_CVT_SCALE_WIDTH];
        end
        `NVDLA_SDP_D_CVT_SHIFT_ADDR: begin
          out_shift <= cfg_wdata[`NVDLA_SDP_D_CVT_SHIFT_CVT_SHIFT_LSB+:`NVDLA_SDP_D_CVT_SHIFT_CVT_SHIFT_WIDTH];
        end
        default: ;
      endcase
    end
  end

endmodule
