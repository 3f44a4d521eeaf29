"""Bit widths of every value on the INT8 path (hardware.md section 2).

One list for the model and the RTL: ``python -m tools.rtl_header`` writes them to
``rtl/nvdla_int8.vh`` as ``NVDLA_<NAME>_WIDTH``. All values are signed two's complement except the
shift and truncate fields, which are unsigned.
"""

# Input converter (CDMA): s18 = d17 - offset16, m34 = s18 * scale16, t17 = RSH(m34), clip to a feature.
FEATURE = 8
CVT_IN = 17
CVT_OFFSET = 16
CVT_OFFSET_DIFF = 18
CVT_SCALE = 16
CVT_PRODUCT = 34
CVT_TRUNCATE = 6
CVT_ROUNDED = 17

# CMAC: one int8 x int8 product; the sum of ATOMIC_C of them adds log2(ATOMIC_C) bits.
MAC_PRODUCT = 16

# CACC: accumulator, delivered value, and how many fraction bits its rounding still sees.
ACC = 34
ACC_OUT = 32
ACC_TRUNCATE = 5
ACC_FRACTION = 16

# SDP X1 and X2.
ALU_OPERAND = 16
ALU_SHIFT = 6
ALU_RESULT = 33
MUL_OPERAND = 16
MUL_PRODUCT = 49
MUL_SHIFT = 6
MUL_SHIFT_FIELD = 8

# SDP output converter: (x32 - offset32) * scale16, RSH to 17 bits, clip to a feature or to INT16.
OUT_OFFSET = 32
OUT_OFFSET_DIFF = 33
OUT_SCALE = 16
OUT_PRODUCT = 49
OUT_SHIFT = 6
OUT_ROUNDED = 17
OUT_INT16 = 16
