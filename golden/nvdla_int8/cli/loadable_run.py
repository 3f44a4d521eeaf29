"""``run`` with a compiled network: what the file is, what becomes of the images, every layer, the result."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.cli.image_options import ImageOptions
from nvdla_int8.cli.loadable_outputs import check_labels, print_accuracy, print_outputs, print_outputs_of_many
from nvdla_int8.cli.matched_layers import MatchedTensor, matched_tensors
from nvdla_int8.cli.printing import warn
from nvdla_int8.cli.seen_layers import SeenRuns
from nvdla_int8.cluster.mapped import mapped
from nvdla_int8.cluster.model_cluster import model_cluster
from nvdla_int8.driver.driver import Order
from nvdla_int8.dumps.dimg import bytes_of_dump
from nvdla_int8.dumps.dump import Dump
from nvdla_int8.errors import BenchError, located, writing
from nvdla_int8.explain.compiler_faults.find import find_faults
from nvdla_int8.explain.findings import Severity
from nvdla_int8.explain.loadable_answer import answer
from nvdla_int8.images.labels import read_labels
from nvdla_int8.loadable.cpu_descriptors import CpuOperationType
from nvdla_int8.loadable.loadable import Loadable, NetworkTensor, read_loadable
from nvdla_int8.loadable.unsupported import check_supported
from nvdla_int8.report.progress import LateProgress
from nvdla_int8.runtime.input_images import Inputs, open_inputs
from nvdla_int8.runtime.loadable_run import LoadableRun, run_loadable


def run_compiled_network(
    path: Path,
    images_path: Path | None,
    order: Order,
    *,
    output: Path | None,
    dimg: Path | None,
    labels_source: str | None,
    model: Path | None,
    table: Path | None,
    handled: ImageOptions,
    cluster_address: str | None,
) -> None:
    """Run a compiled network on its images and print what came of it; BenchError for whatever does not fit."""
    loadable = read_loadable(path)
    check_supported(loadable)
    matched = matched_tensors(loadable, model, table)
    inputs = open_inputs(loadable, images_path, resize=handled.resize, convert=handled.convert)
    if cluster_address is not None and len(inputs) == 1:
        raise BenchError(f"--cluster is for many images, {images_path or loadable.path} makes one run")
    if dimg is not None and len(inputs) > 1:
        raise BenchError(f"--dimg {dimg} is the output of one run, {images_path} makes {len(inputs)}")
    labels = None
    if labels_source is not None:
        if inputs.images is None:
            raise BenchError(f"--labels is for images, {images_path} is a tensor")
        labels = read_labels(labels_source, inputs.images)
        with located(f"--labels {labels_source}"):
            check_labels(loadable, labels)
    for note in loadable.notes:
        warn(f"{path}: {note}")
    click.echo(loadable_words(loadable))
    for words in inputs.words:
        click.echo(words)
    seen = SeenRuns(keep=output is not None)
    operations = sum(len(task.operations) for task in loadable.hardware_tasks)
    alone = len(inputs) == 1
    run: LoadableRun | None = None
    if alone:
        with LateProgress("operations", operations) as progress:
            [tensors] = inputs.runs()
            run = run_loadable(loadable, tensors, order=order, completed=lambda _: progress.advance())
        seen.add(run)
    else:
        look = partial(_run_once, order, output is not None)
        with model_cluster(cluster_address) as cluster, LateProgress("images", len(inputs)) as progress:
            for part in mapped(cluster, look, loadable, inputs.runs(), lambda number, _: inputs.name(number)):
                seen.merge(part)
                progress.advance()
    seen.print_layers(matched)
    if run is not None:
        print_outputs(run, seen)
    elif loadable.outputs:
        print_outputs_of_many(loadable, seen.outputs_of(inputs.images), seen)
    if labels is not None and inputs.images is not None:
        print_accuracy(seen.outputs_of(inputs.images), labels, inputs.images)
    _print_doubts(loadable)
    seen.print_warnings()
    if output is not None:
        _write_tensors(output, seen, loadable, matched)
    if dimg is not None and run is not None:
        _write_dumps(dimg, run.dumps)
    if alone and (compared := output or dimg) is not None:
        click.echo(f"a board's file is compared by: nvdla-int8 dump BOARD.dimg {compared}")


def _run_once(order: Order, keep: bool, loadable: Loadable, tensors: Inputs) -> SeenRuns:
    """What one run of several shows."""
    seen = SeenRuns(keep=keep)
    seen.add(run_loadable(loadable, tensors, order=order))
    return seen


def _print_doubts(loadable: Loadable) -> None:
    """Say the most severe of the compiler's faults that the file shows or leaves open, and who tells more."""
    with suppress(BenchError):  # a file that runs and is not understood shows none
        most_severe = sorted(find_faults(loadable), key=lambda finding: tuple(Severity).index(finding.severity))[:1]
        for sentence in answer((), most_severe, None):
            click.echo(sentence)
            click.echo(f"  nvdla-int8 explain {loadable.path} --weights MODEL --table TABLE tells more, and what to do")


def loadable_words(loadable: Loadable) -> str:
    """What a file is, in a line."""
    count = sum(len(task.operations) for task in loadable.hardware_tasks)
    operations = f"{count} operation{'s' * (count != 1)}"
    of_cpu = [one.operation.op_type for task in loadable.cpu_tasks for one in task.operations]
    cpu = [CpuOperationType(number).name.lower() for number in of_cpu]
    on_cpu = f", {' and '.join(cpu)} on the CPU" if cpu else ""
    inputs = ", ".join(map(_tensor_words, loadable.inputs)) or "none"
    outputs = ", ".join(map(_tensor_words, loadable.outputs)) or "none"
    return f"{loadable.path}: for nv_small, {operations}{on_cpu}; input {inputs}; output {outputs}"


def _tensor_words(bound: NetworkTensor) -> str:
    tensor = bound.tensor
    batch = f"{tensor.n} x " if tensor.n > 1 else ""
    return f"{tensor.name} {batch}{tensor.c} x {tensor.h} x {tensor.w}"


def _write_tensors(path: Path, seen: SeenRuns, loadable: Loadable, matched: Mapping[str, MatchedTensor]) -> None:
    """Every tensor under its name, of several runs stacked; what is known of ``layers`` in arrays of their length."""
    arrays: dict[str, NDArray[Any]] = {name: _stacked(tensors) for name, tensors in seen.tensors.items()}
    names = seen.names()
    arrays["layers"] = np.array(list(names))
    arrays["operations"] = np.array(list(names.values()))
    if matched:
        nothing = MatchedTensor("", None)
        known = [matched.get(key, nothing) for key in names]
        arrays["nodes"] = np.array([one.node for one in known])
        arrays["scales"] = np.array([np.nan if one.scale is None else one.scale for one in known])
    for name, parts in zip(_output_names(loadable), zip(*seen.outputs, strict=True), strict=True):
        arrays[name] = _stacked(parts)
    with writing(path), path.open("wb") as stream:  # a file, because a bare name would gain a suffix
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    click.echo(f"{path}: {len(arrays)} arrays")


def _stacked(tensors: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return tensors[0] if len(tensors) == 1 else np.stack(tensors)


def _output_names(loadable: Loadable) -> Iterator[str]:
    """``output``, or of several ``output.NAME``."""
    for bound in loadable.outputs:
        yield "output" if len(loadable.outputs) == 1 else f"output.{bound.tensor.name}"


def _write_dumps(path: Path, dumps: Sequence[Dump]) -> None:
    """The first output's dump as the path says, those of further ones with their bind id before the suffix."""
    for bind_id, dump in enumerate(dumps):
        file = path if not bind_id else path.with_suffix(f".{bind_id}{path.suffix}")
        with writing(file):
            file.write_bytes(bytes_of_dump(dump))
        layout = dump.layout
        scrambled = ", scrambled as the runtime's: fetched in atoms of 32, written in atoms of 8"
        click.echo(f"{file}: {layout.format.name} {layout.shape}{scrambled if layout.scrambled else ''}")
