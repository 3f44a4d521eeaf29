"""All that wrong bytes have in common, in sentences."""

from nvdla_int8.checkup.departure import Departure
from nvdla_int8.checkup.patterns.moves import find_moves
from nvdla_int8.checkup.patterns.places import find_places
from nvdla_int8.checkup.patterns.values import find_values
from nvdla_int8.checkup.patterns.wrong_output import WrongOutput
from nvdla_int8.checkup.timeline import Timeline


def find_patterns(timeline: Timeline, departure: Departure) -> tuple[str, ...]:
    """What is true of all wrong bytes of the layer that departs, most telling first; none without such a layer."""
    if departure.layer is None or departure.board is None:
        return ()
    output = WrongOutput(timeline, departure.layer, departure.board)
    return (*find_values(output), *find_moves(output), *find_places(output))
