"""Bit widths of every value on the INT8 path (hardware.md section 2, pdp_cdp.md sections 2 and 6).

One list for the model and the RTL: ``python -m tools.rtl_header`` writes them to
``rtl/nvdla_int8.vh`` as ``NVDLA_<NAME>_WIDTH``. All values are signed two's complement except the
shift and truncate fields, reciprocals and fractions, which are unsigned; LUT_SLOPE_SHIFT is signed.
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

# PDP (pdp_cdp.md section 2): a row's sum, the sum of a window's real rows, what the missing rows add, both together,
# then times 1/kernel width and 1/kernel height, Q16. Columns and rows are padded with sums of 19 bits.
POOL_PAD_VALUE = 19
POOL_ROW = 11
POOL_ROWS = 14
POOL_MISSING_ROWS = 14
POOL_WINDOW = 15
POOL_RECIPROCAL = 17
POOL_RECIPROCAL_FRACTION = 16
POOL_WIDTH_PRODUCT = 31
POOL_WIDTH_ROUNDED = 11
POOL_HEIGHT_PRODUCT = 28

# CDP (pdp_cdp.md section 6): input converter, of whose offset 8 bits count; sum of squares.
LRN_IN_OFFSET = 16
LRN_IN_OFFSET_USED = 8
LRN_IN_SCALE = 16
LRN_IN_SHIFT = 5
LRN_IN_PRODUCT = 25
LRN_CONVERTED = 9
LRN_SUM = 21

# CDP's tables: entries, where they start and end; START is cut for the index, START + 2^offset wraps for the slope.
LUT_ENTRY = 16
LUT_BOUND = 38
LUT_INDEX_START = 22
LUT_SLOPE_START = 39
LUT_INDEX_OFFSET = 8
LUT_INDEX_SELECT = 8
LUT_INDEX_SELECT_USED = 6
LUT_FRACTION = 16
LUT_SLOPE_SCALE = 16
LUT_SLOPE_SHIFT = 5

# CDP's multiplier and output converter, of whose offset 25 bits count.
LRN_PRODUCT = 25
LRN_OUT_OFFSET = 32
LRN_OUT_OFFSET_USED = 25
LRN_OUT_SCALE = 16
LRN_OUT_SHIFT = 6
LRN_OUT_PRODUCT = 42
