"""An explanation as one self-contained HTML page with pictures."""

from pathlib import Path

from markupsafe import Markup

from nvdla_int8.explain.plots import curve_picture, output_picture
from nvdla_int8.explain.trace import ExplainedLayer, Explanation
from nvdla_int8.report.lines import result_line
from nvdla_int8.report.page import write_page

TEMPLATE = """\
{% extends "base" %}
{% block body %}
{% for layer, pictures in layers %}
<h2>layer {{ loop.index0 }}: {{ layer.words.what }}, group {{ layer.group }} ({{ layer.state }})</h2>
{% for finding in layer.diagnostics %}
<p class="finding">{{ finding }}</p>
{% endfor %}
{% if layer.waits %}
<p class="finding">waits: {{ layer.waits }}</p>
{% endif %}
<div class="wide"><table>
<tr><th>tensor</th><th>shape</th><th>format</th><th>address</th></tr>
{% for tensor in layer.words.tensors %}
<tr><td>{{ tensor.name }}</td><td>{{ tensor.shape | join(" x ") }}</td><td>{{ tensor.form }}</td>
<td>{{ "%#x" | format(tensor.address) }}</td></tr>
{% endfor %}
</table></div>
<ul>
{% for line in layer.words.geometry %}
<li>{{ line }}</li>
{% endfor %}
</ul>
<div class="wide"><table>
<tr><th>step</th><th>does</th></tr>
{% for step in layer.words.steps %}
<tr><td>{{ step.name }}</td><td>{{ step.words }}</td></tr>
{% endfor %}
</table></div>
{% for saturation in layer.saturations if saturation.clipped %}
<p>saturated: {{ saturation.step }}: {{ saturation.clipped }} of {{ saturation.elements }}</p>
{% endfor %}
{% for words, picture in pictures %}
<figure><figcaption>{{ words }}</figcaption>
{{ picture }}
</figure>
{% endfor %}
{% endfor %}
<h2>what the checks prove</h2>
<ul>
{% for check in checks %}
<li>line {{ check.line }}: {{ check.words }}: {{ agrees[check.agrees] }}</li>
{% endfor %}
{% for sentence in sentences %}
<li>{{ sentence }}</li>
{% endfor %}
</ul>
{% endblock %}
"""


def write_explanation(explanation: Explanation, path: Path) -> None:
    """Write the page; BenchError when it cannot be written, or matplotlib is not installed."""
    write_page(
        path,
        TEMPLATE,
        head=result_line(explanation.result),
        layers=[(layer, _pictures(layer)) for layer in explanation.layers],
        checks=explanation.checks,
        agrees={None: "not judged", True: "agrees", False: "DIFFERS"},
        sentences=(*explanation.proves_nothing, *explanation.notes),
    )


def _pictures(layer: ExplainedLayer) -> list[tuple[str, Markup]]:
    """Pictures with what they show; those of a layer that did not run are none."""
    pictures = []
    if layer.curve is not None:
        pictures.append((layer.curve.in_words(), Markup(curve_picture(layer.curve))))
    if layer.output is not None:
        words = f"{layer.output.elements:,} output bytes, {layer.output.minimum} to {layer.output.maximum}"
        pictures.append((words, Markup(output_picture(layer.output.counts))))
    return pictures
