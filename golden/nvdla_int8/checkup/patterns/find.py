"""All that wrong bytes have in common, in sentences."""

from nvdla_int8.checkup.patterns.moves import find_moves
from nvdla_int8.checkup.patterns.places import find_places
from nvdla_int8.checkup.patterns.values import find_values
from nvdla_int8.checkup.patterns.wrong_output import WrongOutput


def find_patterns(output: WrongOutput) -> tuple[str, ...]:
    """What is true of all wrong bytes of the layer that departs, most telling first."""
    return (*find_values(output), *find_moves(output), *find_places(output))
