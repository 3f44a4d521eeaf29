"""One self-contained HTML page: what all pages share, legible in light and dark, wide and narrow."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2

from nvdla_int8.errors import BenchError

BASE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{{ head }}</title>
<style>
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --muted: #565e67; --line: #c5cbd2; --finding: #fff0cc;
  --blue: #1c68ad; --orange: #ad4a05; --green: #24752a; --red: #b3241f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --ink: #e7e9ec; --muted: #a8b0b9; --line: #434b54; --finding: #463811;
    --blue: #6fb3f2; --orange: #f0a35e; --green: #7dc982; --red: #ff8d85;
  }
}
body {
  background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 64rem; padding: 0 1rem 4rem;
  overflow-wrap: anywhere;
}
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .4rem 0; overflow-wrap: normal; }
th, td { border: 1px solid var(--line); padding: .15rem .5rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: .8rem 0; }
figcaption, .muted { color: var(--muted); }
svg { display: block; max-width: 100%; height: auto; }
.figures { display: grid; gap: 0 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.finding { background: var(--finding); padding: .1rem .4rem; }
</style>
</head>
<body>
<h1>{{ head }}</h1>
{% block body %}{% endblock %}
</body>
</html>
"""
"""Its colours are those of :data:`nvdla_int8.report.pictures.COLOURS`."""


FIGURES = """\
<div class="figures">
{% for words, picture in pictures %}
<figure><figcaption>{{ words }}</figcaption>
{{ picture }}
</figure>
{% endfor %}
</div>
"""
"""The value ``pictures``, pairs of words and SVG, beside one another: for ``include "figures"``."""


def write_page(
    path: Path, template: str, filters: Mapping[str, Callable[..., str]] | None = None, **values: Any
) -> None:
    """Fill in a template and write it.

    Parameters
    ----------
    path
        The file to write.
    template
        A Jinja template that extends ``base`` and fills its block ``body``.
    filters
        Further filters that it uses.
    values
        What the template names; ``head`` is the page's title.

    Raises
    ------
    BenchError
        The file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"base": BASE, "figures": FIGURES}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters.update(filters or {})
    text = environment.from_string(template).render(**values)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from None
