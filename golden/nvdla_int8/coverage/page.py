"""Coverage as one self-contained HTML page."""

from pathlib import Path

from nvdla_int8.coverage.report import CoverageReport
from nvdla_int8.report.page import write_page

TEMPLATE = """\
{% extends "base" %}
{% block body %}
<p class="finding">{{ report.summary() }}</p>
<div class="wide"><table>
<tr><th>part</th><th>bins</th><th>reached</th><th>open</th><th>unreachable</th></tr>
{% for part, bins, reached, open, unreachable in report.rows() %}
<tr><td>{{ part }}</td><td class="number">{{ bins }}</td><td class="number">{{ reached }}</td>
<td class="number">{{ open }}</td><td class="number">{{ unreachable }}</td></tr>
{% endfor %}
</table></div>
<p>programs: {{ report.sources() }}</p>
{% if problems %}
<h2>open</h2>
<ul>{% for line in problems %}<li>{{ line }}</li>{% endfor %}</ul>
{% endif %}
<h2>unreachable</h2>
<div class="wide"><table>
<tr><th>bin</th><th>why</th></tr>
{% for one in report.of_status("unreachable") %}
<tr><td>{{ one.bin.name }}</td><td>{{ one.bin.unreachable }}</td></tr>
{% endfor %}
</table></div>
{% for name, bins in report.bins | groupby("feature.name") %}
<h2>{{ name }}</h2>
<p class="muted">{{ bins[0].feature.what }}; part {{ bins[0].feature.part }}, sampler {{ bins[0].feature.sampler }},
{{ report.collected.counts[name] }} samples</p>
<div class="wide"><table>
<tr><th>bin</th><th>met</th><th>status</th><th>reached by</th></tr>
{% for one in bins %}
<tr><td>{{ one.bin.name[name | length + 2:] }}</td><td class="number">{{ one.count }}</td>
<td{% if one.status in ("open", "wrong") %} class="finding"{% endif %}>{{ one.status }}</td>
<td>{{ one.reached_by }}</td></tr>
{% endfor %}
</table></div>
{% endfor %}
{% endblock %}
"""


def write_coverage_page(report: CoverageReport, path: Path) -> None:
    """Write the page; BenchError when it cannot be written."""
    write_page(path, TEMPLATE, head="functional coverage", report=report, problems=report.problems())
