"""An explanation as one self-contained HTML page with pictures."""

from pathlib import Path

import jinja2
from markupsafe import Markup

from nvdla_int8.errors import BenchError
from nvdla_int8.explain.plots import curve_picture, output_picture
from nvdla_int8.explain.trace import ExplainedLayer, Explanation
from nvdla_int8.report.lines import result_line

TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{ head }}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 64rem; padding: 0 1rem 4rem; }
table { border-collapse: collapse; margin: .4rem 0; }
th, td { border: 1px solid #ccc; padding: .15rem .5rem; text-align: left; vertical-align: top; }
svg { max-width: 100%; height: auto; }
.finding { background: #fff3d6; padding: .1rem .4rem; }
</style>
</head>
<body>
<h1>{{ head }}</h1>
{% for layer, pictures in layers %}
<h2>layer {{ loop.index0 }}: {{ layer.words.what }}, group {{ layer.group }} ({{ layer.state }})</h2>
{% for finding in layer.diagnostics %}
<p class="finding">{{ finding }}</p>
{% endfor %}
{% if layer.waits %}
<p class="finding">waits: {{ layer.waits }}</p>
{% endif %}
<table>
<tr><th>tensor</th><th>shape</th><th>format</th><th>address</th></tr>
{% for tensor in layer.words.tensors %}
<tr><td>{{ tensor.name }}</td><td>{{ tensor.shape | join(" x ") }}</td><td>{{ tensor.form }}</td>
<td>{{ "%#x" | format(tensor.address) }}</td></tr>
{% endfor %}
</table>
<ul>
{% for line in layer.words.geometry %}
<li>{{ line }}</li>
{% endfor %}
</ul>
<table>
<tr><th>step</th><th>does</th></tr>
{% for step in layer.words.steps %}
<tr><td>{{ step.name }}</td><td>{{ step.words }}</td></tr>
{% endfor %}
</table>
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
</body>
</html>
"""


def write_page(explanation: Explanation, path: Path) -> None:
    """Write the page.

    Raises
    ------
    BenchError
        It cannot be written, or matplotlib is not installed.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    text = environment.from_string(TEMPLATE).render(
        head=result_line(explanation.result),
        layers=[(layer, _pictures(layer)) for layer in explanation.layers],
        checks=explanation.checks,
        agrees={None: "not judged", True: "agrees", False: "DIFFERS"},
        sentences=(*explanation.proves_nothing, *explanation.notes),
    )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from None


def _pictures(layer: ExplainedLayer) -> list[tuple[str, Markup]]:
    """Pictures with what they show; those of a layer that did not run are none."""
    pictures = []
    if layer.curve is not None:
        pictures.append((layer.curve.in_words(), Markup(curve_picture(layer.curve))))
    if layer.output is not None:
        words = f"{layer.output.elements:,} output bytes, {layer.output.minimum} to {layer.output.maximum}"
        pictures.append((words, Markup(output_picture(layer.output.counts))))
    return pictures
