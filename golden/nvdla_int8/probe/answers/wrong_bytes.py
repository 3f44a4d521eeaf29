"""What is wrong in the memory that a probe has left."""

from collections.abc import Sequence

from nvdla_int8.checkup.departure import compare_dumps
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.subjects import timeline_of_trace
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.checkup.words import element_words
from nvdla_int8.probe.folder import StoredProbe


def timeline_of_probe(probe: StoredProbe) -> Timeline:
    """A probe's run on the golden device."""
    return timeline_of_trace(probe.trace)


def wrong_words(probe: StoredProbe, observed: Sequence[Observed]) -> str:
    """The first wrong element of a probe's memory; empty when nothing is wrong."""
    if not observed:
        return ""
    departure = compare_dumps(timeline_of_probe(probe), observed).departure
    if departure is None:
        return ""
    counts = departure.counts
    if counts is None:
        return f"memory that no layer writes is not as loaded, first {element_words(departure.first)}"
    return f"{counts.wrong:,} of {counts.compared:,} bytes wrong, first {element_words(departure.first)}"
