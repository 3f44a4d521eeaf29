"""A check of dumps as one self-contained HTML page with pictures."""

from pathlib import Path

from markupsafe import Markup

from nvdla_int8.checkup.cause_words import (
    errata_sentences,
    evidence_words,
    explanation_words,
    next_words,
    shown_explanations,
    why_sentence,
)
from nvdla_int8.checkup.checked import Checked
from nvdla_int8.checkup.pictures import difference_pictures
from nvdla_int8.checkup.words import axis_words, element_words
from nvdla_int8.report.page import write_page

TEMPLATE = """\
{% extends "base" %}
{% block body %}
<p class="finding">{{ checked.sentences[0] }}</p>
{% for sentence in checked.sentences[1:] %}
<p>{{ sentence }}</p>
{% endfor %}
{% if why %}
<h2>why</h2>
<p class="finding">{{ why }}</p>
{% endif %}
{% for heading, explanations, more in groups %}
<h3>{{ heading }}</h3>
<ul>
{% for explanation in explanations %}
<li>{{ explanation | explanation }}
{% for acting in explanation.causes %}
<br>{{ acting.cause.unit }}: {{ acting.cause.advice }}
{% endfor %}
<br><span class="muted">{{ explanation | evidence }}</span></li>
{% endfor %}
{% if more %}
<li>and {{ more }} more</li>
{% endif %}
</ul>
{% endfor %}
{% if next %}
<h3>what to do next</h3>
<p>{{ next[0] }}</p>
<ul>
{% for line in next[1:] %}
<li>{{ line }}</li>
{% endfor %}
</ul>
{% endif %}
{% for sentence in errata %}
<p>{{ sentence }}</p>
{% endfor %}
{% if checked.search is not none and checked.search.left_untried %}
<p>not tried: {{ checked.search.left_untried }}</p>
{% endif %}
{% if first %}
<h2>the first wrong element</h2>
<p>{{ first }}</p>
<div class="wide"><table>
<tr><th>stage</th><th>expected</th><th>hex</th></tr>
{% for value in checked.stages %}
<tr><td>{{ value.stage }}</td><td class="number">{{ value.value }}</td><td>{{ value.hex }}</td></tr>
{% endfor %}
</table></div>
{% endif %}
{% if first %}
<h2>where the wrong bytes are, and what they are</h2>
{% endif %}
{% if checked.patterns %}
<ul>
{% for pattern in checked.patterns %}
<li>{{ pattern }}</li>
{% endfor %}
</ul>
{% endif %}
{% if checked.counts %}
<ul>
{% for counts in checked.counts %}
<li>{{ counts | counts }}</li>
{% endfor %}
</ul>
{% endif %}
{% include "figures" %}
<h2>layers</h2>
<div class="wide"><table>
<tr><th>layer</th><th>name</th><th>bytes</th><th>compared</th><th>wrong</th></tr>
{% for counts in checked.comparison.layers %}
<tr><td class="number">{{ counts.layer.index }}</td><td>{{ counts.layer.name }}</td>
<td class="number">{{ "{:,}".format(counts.size_bytes) }}</td>
<td class="number">{{ "{:,}".format(counts.compared) }}</td>
<td class="number">{{ "{:,}".format(counts.wrong) }}</td></tr>
{% endfor %}
</table></div>
<h2>files</h2>
<ul>
{% for source, notes in checked.notes %}
<li>{{ ([source] + (notes | list)) | join(": ") }}</li>
{% endfor %}
</ul>
{% endblock %}
"""


def write_checked(checked: Checked, path: Path) -> None:
    """Write the page; BenchError when it cannot be written, or matplotlib is not installed."""
    departure = checked.comparison.departure
    pictures: list[tuple[str, Markup]] = []
    if checked.output is not None:
        pictures = [(words, Markup(svg)) for words, svg in difference_pictures(checked.output)]
    write_page(
        path,
        TEMPLATE,
        {"explanation": explanation_words, "evidence": evidence_words, "counts": axis_words},
        head=f"check of {checked.timeline.name}",
        checked=checked,
        why=why_sentence(checked),
        next=next_words(checked),
        errata=errata_sentences(checked),
        groups=[] if checked.search is None else list(shown_explanations(checked.search)),
        first=element_words(departure.first) if pictures and departure is not None else "",
        pictures=pictures,
    )
