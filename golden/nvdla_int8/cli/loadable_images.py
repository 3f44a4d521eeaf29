"""What ``explain`` sees of a compiled network on images."""

from pathlib import Path

from nvdla_int8.explain.loadable_difference import Described
from nvdla_int8.explain.loadable_images import ObservedRuns, RunObserver
from nvdla_int8.loadable.unsupported import check_supported
from nvdla_int8.report.progress import LateProgress
from nvdla_int8.runtime.input_images import open_inputs
from nvdla_int8.runtime.loadable_run import run_loadable


def observe_images(described: Described, images: Path, *, resize: bool, convert: bool) -> ObservedRuns:
    """Run a compiled network on images; BenchError as ``check_supported``, ``open_inputs``, ``run_loadable``."""
    loadable = described.loadable
    check_supported(loadable)
    inputs = open_inputs(loadable, images, resize=resize, convert=convert)
    observer = RunObserver(loadable, described.layers, None if inputs.images is None else len(inputs.images))
    with LateProgress("images", len(inputs)) as progress:
        for tensors in inputs.runs():
            observer.add(run_loadable(loadable, tensors))
            progress.advance()
    return observer.found(str(images), inputs.words)
