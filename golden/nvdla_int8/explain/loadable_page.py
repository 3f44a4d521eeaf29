"""What a compiled network is, as one self-contained HTML page with pictures."""

from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from nvdla_int8.explain import loadable_pictures as pictures
from nvdla_int8.explain.loadable_explanation import LoadableExplanation
from nvdla_int8.explain.loadable_head import head_sentences
from nvdla_int8.explain.loadable_layers import LayerWords, shape_words
from nvdla_int8.report.page import write_page

TEMPLATE = """\
{% extends "base" %}
{% block body %}
{% for sentence in explanation.answer %}
<p><b>{{ sentence }}</b></p>
{% endfor %}
{% for sentence in sentences %}
<p>{{ sentence }}</p>
{% endfor %}
<h2>findings</h2>
<ol>
{% for finding in explanation.findings %}
<li><p class="finding">{{ finding.severity.value }}:
{% if finding.layer is not none %}
<a href="#layer{{ finding.layer }}">layer {{ finding.layer }}</a>,
{% endif %}
{{ finding.title }}</p>
<p>{{ finding.text }}</p>
{% if finding.advice %}
<p>What to do: {{ finding.advice }}</p>
{% endif %}
</li>
{% endfor %}
</ol>
{% if explanation.prediction %}
<p>Compared with what it should be: {{ explanation.prediction }}.</p>
{% endif %}
{% for line in explanation.not_checked %}
<p class="muted">Not checked: {{ line }}.</p>
{% endfor %}
{% include "figures" %}
<h2>layers</h2>
<div class="wide"><table>
<tr><th>layer</th><th>operations</th>{% if explanation.matches %}<th>network</th>{% endif %}<th>does</th><th>with</th>
<th>reads</th><th>output</th><th>lies in</th><th>factor</th>
{% if explanation.matches %}<th>of the ideal one</th>{% endif %}</tr>
{% for layer in explanation.layers %}
<tr><td><a href="#layer{{ loop.index0 }}">{{ loop.index0 }}</a></td><td>{{ layer.name }}</td>
{% if explanation.matches %}
<td>{{ explanation.matches[loop.index0].names | join(" + ") }}</td>
{% endif %}
<td>{{ layer.does }}</td><td>{{ layer.fused | join(", ") }}</td><td>{{ layer.reads | join(", ") }}</td>
<td class="number">{{ layer.output_shape | shape }}</td><td>{{ layer.location.in_words() }}</td>
<td class="number">{{ layer.factor | span }}</td>
{% if explanation.matches %}
<td class="number">{{ explanation.matches[loop.index0].deviation | span }}</td>
{% endif %}
</tr>
{% endfor %}
</table></div>
{% for layer, figure in layers %}
<h3 id="layer{{ loop.index0 }}">layer {{ loop.index0 }}: {{ layer.does }} ({{ layer.name }})</h3>
<ul>
<li>reads {{ layer.reads | join(", ") }}, {{ layer.input_shape | shape }}; writes {{ layer.output_shape | shape }},
{{ "{:,}".format(layer.location.size_bytes) }} bytes at {{ layer.location.in_words() }}, ALI {{ layer.location.ali }}
{% if layer.overwritten_by is not none %}
; <a href="#layer{{ layer.overwritten_by }}">layer {{ layer.overwritten_by }}</a> writes over it
{% endif %}
</li>
{% if layer.parts %}
<li>in {{ layer.parts | length }} parts: {{ layer.parts | join(", ") }}</li>
{% endif %}
{% for saturation in saturations[loop.index0] %}
<li>saturated: {{ saturation.step }}: {{ "{:,}".format(saturation.clipped) }} of
{{ "{:,}".format(saturation.elements) }}</li>
{% endfor %}
</ul>
{% if layer.steps %}
<div class="wide"><table>
<tr><th>step</th><th>does</th><th>real factor</th></tr>
{% for step in layer.steps %}
<tr><td>{{ step.name }}</td><td>{{ step.words }}</td><td class="number">{{ step.factor | span }}</td></tr>
{% endfor %}
</table></div>
{% endif %}
{% if figure %}
<figure><figcaption>The factor of each channel from accumulators to output steps.</figcaption>
{{ figure }}
</figure>
{% endif %}
{% endfor %}
{% endblock %}
"""


def write_loadable_explanation(explanation: LoadableExplanation, path: Path) -> None:
    """Write the page; BenchError when it cannot be written, or matplotlib is not installed."""
    observed = explanation.observed.layers if explanation.observed is not None else (None,) * len(explanation.layers)
    write_page(
        path,
        TEMPLATE,
        filters={"shape": shape_words, "span": _span},
        head=Path(explanation.head.file).name,
        explanation=explanation,
        sentences=list(head_sentences(explanation.head)),
        pictures=[(words, Markup(picture)) for words, picture in _pictures(explanation)],
        layers=[(layer, _factors(explanation, index, layer)) for index, layer in enumerate(explanation.layers)],
        saturations=[[one for one in layer.saturations if one.clipped] if layer else [] for layer in observed],
    )


def _span(values: tuple[float, float] | None) -> str:
    if values is None:
        return "-"
    low, high = values
    return f"{low:.5g}" if low == high else f"{low:.5g} .. {high:.5g}"


def _factors(explanation: LoadableExplanation, index: int, layer: LayerWords) -> Markup:
    """The picture of factors that differ or can be compared."""
    ideal = explanation.matches[index].ideal_factors if explanation.matches else ()
    if len(layer.factors) < 2 or (not ideal and len(set(layer.factors)) == 1):
        return Markup()
    return Markup(pictures.factor_picture(layer.factors, ideal))


def _pictures(explanation: LoadableExplanation) -> Iterator[tuple[str, str]]:
    """Pictures of all layers, each with what it shows."""
    names = [f"{index} {layer.name}" for index, layer in enumerate(explanation.layers)]
    rows = [
        (name, [factor / right for factor, right in zip(layer.factors, match.ideal_factors, strict=True) if right])
        for name, layer, match in zip(names, explanation.layers, explanation.matches or (), strict=False)
        if layer.factors and match.ideal_factors
    ]
    if rows:
        yield (
            "Factors of all channels beside Si * Sw / So of the table: at 0 they agree, at 1 they are twice as large.",
            pictures.deviation_picture(*map(list, zip(*rows, strict=True))),
        )
    if explanation.observed is None:
        return
    ran = [(name, one) for name, one in zip(names, explanation.observed.layers, strict=True) if one is not None]
    if not ran:
        return
    known, layers = [name for name, _ in ran], [one for _, one in ran]
    yield "Bytes that come out of each layer on these images.", pictures.values_picture(known, layers)
    yield "What each layer clips, of the step that clips most.", pictures.clipping_picture(known, layers)
    if explanation.observed.images > 1:
        yield ("How much of a tensor depends on the image.", pictures.dependence_picture(known, layers))
