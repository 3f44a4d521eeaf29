"""All causes that the search knows."""

from collections.abc import Callable, Iterator

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.activations import suggest_activations
from nvdla_int8.checkup.causes.address_bits import suggest_address_bits
from nvdla_int8.checkup.causes.addresses import suggest_addresses
from nvdla_int8.checkup.causes.bad_words import suggest_bad_words
from nvdla_int8.checkup.causes.biases import suggest_biases
from nvdla_int8.checkup.causes.byte_order import suggest_byte_orders
from nvdla_int8.checkup.causes.errata import suggest_errata
from nvdla_int8.checkup.causes.factors import suggest_factors
from nvdla_int8.checkup.causes.input_converter import suggest_converter_mistakes
from nvdla_int8.checkup.causes.input_lanes import suggest_input_lanes
from nvdla_int8.checkup.causes.input_layout import suggest_input_layouts
from nvdla_int8.checkup.causes.input_values import suggest_input_values
from nvdla_int8.checkup.causes.lrn_arithmetic import suggest_lrn_arithmetic
from nvdla_int8.checkup.causes.lrn_settings import suggest_lrn_settings
from nvdla_int8.checkup.causes.multipliers import suggest_multipliers
from nvdla_int8.checkup.causes.offsets import suggest_offsets
from nvdla_int8.checkup.causes.old_input import suggest_old_input
from nvdla_int8.checkup.causes.old_output import suggest_old_output
from nvdla_int8.checkup.causes.operand_places import suggest_operand_places
from nvdla_int8.checkup.causes.operand_streams import suggest_operand_streams
from nvdla_int8.checkup.causes.operand_values import suggest_operand_values
from nvdla_int8.checkup.causes.order import suggest_order
from nvdla_int8.checkup.causes.output_lanes import suggest_output_lanes
from nvdla_int8.checkup.causes.output_layout import suggest_output_layouts
from nvdla_int8.checkup.causes.padding import suggest_padding_mistakes
from nvdla_int8.checkup.causes.pooling import suggest_pooling
from nvdla_int8.checkup.causes.pooling_averages import suggest_pooling_averages
from nvdla_int8.checkup.causes.pooling_size import suggest_pooling_sizes
from nvdla_int8.checkup.causes.read_addresses import suggest_read_addresses
from nvdla_int8.checkup.causes.register_values import suggest_register_values
from nvdla_int8.checkup.causes.rounded_operands import suggest_rounded_operands
from nvdla_int8.checkup.causes.rounding import suggest_roundings
from nvdla_int8.checkup.causes.second_units import suggest_second_units
from nvdla_int8.checkup.causes.shifts import suggest_far_shifts, suggest_shifts
from nvdla_int8.checkup.causes.stale_lines import suggest_stale_lines
from nvdla_int8.checkup.causes.stale_registers import suggest_stale_registers
from nvdla_int8.checkup.causes.stale_rows import suggest_stale_rows
from nvdla_int8.checkup.causes.weight_memory import suggest_weight_bytes
from nvdla_int8.checkup.causes.weight_order import suggest_weight_orders
from nvdla_int8.checkup.causes.widths import suggest_widths

Suggest = Callable[[Scene], Iterator[Cause]]
"""The causes of one kind that a layer leaves room for; also by what the board left, where it is known."""

SUGGESTIONS: tuple[Suggest, ...] = (
    suggest_old_output,  # before what computes the same bytes: all zero is mostly memory that nothing wrote
    suggest_roundings,
    suggest_shifts,
    suggest_factors,
    suggest_activations,
    suggest_biases,
    suggest_widths,
    suggest_offsets,
    suggest_second_units,
    suggest_operand_values,
    suggest_rounded_operands,
    suggest_far_shifts,
    suggest_operand_streams,
    suggest_operand_places,
    suggest_converter_mistakes,
    suggest_input_values,
    suggest_padding_mistakes,
    suggest_weight_orders,
    suggest_weight_bytes,
    suggest_stale_rows,
    suggest_input_layouts,
    suggest_byte_orders,
    suggest_read_addresses,
    suggest_output_layouts,
    suggest_pooling,
    suggest_pooling_averages,
    suggest_pooling_sizes,
    suggest_lrn_settings,
    suggest_lrn_arithmetic,
    suggest_order,
    suggest_old_input,
    suggest_stale_registers,
    suggest_errata,
    suggest_output_lanes,
    suggest_multipliers,
    suggest_input_lanes,
    suggest_addresses,
    suggest_address_bits,
    suggest_stale_lines,
    suggest_bad_words,
    suggest_register_values,
)
"""One for each module of this folder; the likelier ones first."""


def suggest_causes(scene: Scene) -> Iterator[Cause]:
    """Every cause that a layer leaves room for."""
    for suggest in SUGGESTIONS:
        yield from suggest(scene)
