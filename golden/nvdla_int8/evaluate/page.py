"""An evaluation as one self-contained HTML page with pictures."""

from pathlib import Path

from markupsafe import Markup

from nvdla_int8.evaluate import pictures
from nvdla_int8.evaluate.results import Evaluation
from nvdla_int8.evaluate.words import decibel_words, sentences, subject_words
from nvdla_int8.report.page import write_page
from nvdla_int8.report.shares import share_words

TEMPLATE = """\
{% extends "base" %}
{% block body %}
<p class="muted">{{ subject }}</p>
{% for sentence in sentences %}
<p class="finding">{{ sentence }}</p>
{% endfor %}
<h2>networks</h2>
<div class="wide"><table>
<tr><th>network</th><th>top-1</th><th>agreement with float</th><th>output</th><th>SQNR, dB</th><th>mean error</th>
<th>worst error</th></tr>
{% if evaluation.float_top1 is not none %}
<tr><td>float</td><td class="number">{{ evaluation.float_top1 | share }}</td><td></td><td></td><td></td><td></td>
<td></td></tr>
{% endif %}
{% for network in evaluation.networks %}
{% for output in network.outputs %}
<tr><td>{{ network.name }}</td><td class="number">{{ network.outcome.top1 | share }}</td>
<td class="number">{{ network.outcome.agreement | share }}</td><td>{{ output.tensor }}</td>
<td class="number">{{ output.sqnr_db | decibels }}</td><td class="number">{{ "%.4g" | format(output.mean) }}</td>
<td class="number">{{ "%.4g" | format(output.worst) }}</td></tr>
{% endfor %}
{% endfor %}
</table></div>
{% include "figures" %}
<h2>tensors</h2>
<div class="wide"><table>
<tr><th>tensor</th><th>scale</th><th>float range</th><th>int8 covers</th><th>unused bits</th><th>clip</th>
<th>rounded alone, dB</th><th>better scale</th><th>rounded with it, dB</th><th>per kernel, dB</th>
<th>per tensor, dB</th>
{% for name in evaluation.compiler_networks %}
<th>{{ name }}, dB</th>
{% endfor %}
</tr>
{% for tensor in evaluation.tensors %}
<tr><td>{{ tensor.tensor }}</td><td class="number">{{ "%.6g" | format(tensor.scale) }}</td>
<td class="number">{{ "%.4g .. %.4g" | format(tensor.low, tensor.high) }}</td>
<td class="number">{{ "%.4g .. %.4g" | format(*tensor.covers) }}</td>
<td class="number">{{ "%.1f" | format([tensor.unused_bits, 0.0] | max | abs) }}</td>
<td class="number">{{ tensor.clipped_share | share }}</td>
<td class="number">{{ tensor.rounding_db | decibels }}</td>
<td class="number">{{ "%.6g" | format(tensor.better_scale) }}</td>
<td class="number">{{ tensor.better_db | decibels }}</td>
<td class="number">{{ tensor.per_kernel_db | decibels }}</td>
<td class="number">{{ tensor.per_tensor_db | decibels }}</td>
{% for name in evaluation.compiler_networks %}
<td class="number">{{ tensor.compiler_db.get(name) | decibels }}</td>
{% endfor %}
</tr>
{% endfor %}
</table></div>
<h2>layers</h2>
<p>Signal over the noise of each cause at the layer's output, dB, on {{ evaluation.cause_images }} images; the least is
the worst.</p>
<div class="wide"><table>
<tr><th>layer</th><th>from before</th><th>own</th><th>input's entry</th><th>weights per kernel</th>
<th>weights per tensor</th><th>output's entry</th><th>arithmetic</th></tr>
{% for layer in evaluation.layers %}
<tr><td>{{ layer.layer }}</td>
{% for value in (layer.before, layer.own, layer.input_entry, layer.weights, layer.weights_per_tensor,
                 layer.output_entry, layer.arithmetic) %}
<td class="number">{{ value | decibels }}</td>
{% endfor %}
</tr>
{% endfor %}
</table></div>
{% if evaluation.onnx_differences %}
<h2>onnxruntime's bytes</h2>
<div class="wide"><table>
<tr><th>tensor</th><th>bytes</th><th>differ by 1</th><th>by more</th><th>layer alone</th><th>differ by 1</th>
<th>by more</th></tr>
{% for each in evaluation.onnx_differences %}
<tr><td>{{ each.tensor }}</td>
{% for count in (each.elements, each.off_by_one, each.off_by_more, each.alone_elements, each.alone_by_one,
                 each.alone_by_more) %}
<td class="number">{{ "{:,}".format(count) }}</td>
{% endfor %}
</tr>
{% endfor %}
</table></div>
{% endif %}
{% endblock %}
"""


def write_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Write the page; BenchError when it cannot be written, or matplotlib is not installed."""
    write_page(
        path,
        TEMPLATE,
        filters={"decibels": decibel_words, "share": share_words},
        head=f"{Path(evaluation.network).name} in INT8",
        subject=subject_words(evaluation),
        evaluation=evaluation,
        sentences=list(sentences(evaluation)),
        pictures=[(words, Markup(picture)) for words, picture in _pictures(evaluation)],
    )


def _pictures(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Every picture with what it shows."""
    tensors, kernels = evaluation.tensors, evaluation.kernels
    parted = [layer for layer in evaluation.layers if layer.output_entry is not None]
    drawn = [
        (
            "Noise by layer: a tensor's signal over its noise, more is better. The line is what rounding and clipping "
            "to its entry cost alone.",
            pictures.noise_picture(tensors),
        ),
        (
            "Ranges: the float values on these images in steps of the table's entry. A short bar wastes int8, "
            "red clips.",
            pictures.range_picture(tensors),
        ),
        (
            "Errors: how many steps the bytes are from the float values, weights per kernel. Heights are square roots.",
            pictures.error_picture(tensors),
        ),
    ]
    if parted:
        drawn.append(("Causes: what the noise at each layer's output consists of.", pictures.cause_picture(parted)))
    if kernels:
        drawn += [
            (
                "Weight scales of the kernels beside their layer's largest, in octaves.",
                pictures.weight_scale_picture(kernels),
            ),
            (
                "Multipliers of the kernels: the more bits, the more exact.",
                pictures.multiplier_picture(kernels),
            ),
        ]
    return drawn
