"""How ``explain`` prints where two compiled networks differ."""

from rich.text import Text

from nvdla_int8.cli.printing import terminal
from nvdla_int8.explain.loadable_difference import LoadableDifference


def print_difference(difference: LoadableDifference) -> None:
    """Print a comparison: the answer first, then what differs of the files, then layer by layer."""
    console = terminal()
    for sentence in difference.verdict:
        console.print(Text(f"{sentence[0].upper()}{sentence[1:]}.", style="bold"))
    console.print(Text(f"first:  {difference.one}"))
    console.print(Text(f"second: {difference.other}"))
    for line in difference.whole:
        console.print(Text(f"  {line}"))
    for layer in difference.layers:
        numbers = [str(number) for number in (layer.one, layer.other) if number is not None]
        console.print(Text(f"layer {' / '.join(dict.fromkeys(numbers))}: {layer.name}", style="bold"))
        for line in layer.computed:
            console.print(Text(f"  {line}"))
        for line in layer.elsewhere:
            console.print(Text(f"  elsewhere: {line}"))
