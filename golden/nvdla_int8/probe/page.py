"""The answers to the probes as one self-contained HTML page."""

from pathlib import Path

from nvdla_int8.checkup.cause_words import why_sentence
from nvdla_int8.checkup.checked import Checked
from nvdla_int8.probe.report import ProbeReport, answer
from nvdla_int8.report.page import write_page

TEMPLATE = """\
{% extends "base" %}
{% block body %}
<p class="finding">{{ answer }}</p>
{% if checked is not none %}
<h2>{{ report.first_failing.probe.name }}, the first that fails</h2>
{% for sentence in checked.sentences %}
<p>{{ sentence }}</p>
{% endfor %}
{% for pattern in checked.patterns %}
<p>{{ pattern }}</p>
{% endfor %}
{% if why %}
<p class="finding">{{ why }}</p>
{% endif %}
{% endif %}
<h2>units</h2>
<div class="wide"><table>
<tr><th>unit</th><th>verdict</th><th>builds on</th></tr>
{% for unit, verdict in report.verdicts.items() %}
<tr><td>{{ unit.value }}</td><td>{{ verdict.value }}</td>
<td>{{ unit.builds_on | map(attribute="value") | join(", ") }}</td></tr>
{% endfor %}
</table></div>
<h2>probes</h2>
<div class="wide"><table>
<tr><th>unit</th><th>probe</th><th>about</th><th>outcome</th><th>what is wrong</th></tr>
{% for one in report.results %}
<tr><td>{{ one.probe.unit.value }}</td><td>{{ one.probe.name }}</td><td>{{ one.probe.shows }}</td>
<td>{{ one.outcome.value }}</td><td>{{ one.words }}</td></tr>
{% endfor %}
</table></div>
{% endblock %}
"""


def write_probe_page(report: ProbeReport, checked: Checked | None, path: Path) -> None:
    """Write the page, with what was found of the first probe that fails; BenchError when it cannot be written."""
    write_page(
        path,
        TEMPLATE,
        head=f"check of {report.folder}",
        report=report,
        checked=checked,
        why="" if checked is None else why_sentence(checked),
        answer=answer(report),
    )
