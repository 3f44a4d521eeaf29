"""What came out of a compiled network: values, the class, whether it depends on the image at all."""

from collections import Counter
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.cli.printing import listed, number
from nvdla_int8.cli.seen_layers import SeenRuns
from nvdla_int8.errors import BenchError
from nvdla_int8.images.images import Images
from nvdla_int8.images.labels import top1
from nvdla_int8.loadable.cpu_descriptors import CpuSoftmax
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.report.shares import share_words
from nvdla_int8.runtime.loadable_run import LoadableRun

MOST_VALUES = 32
"""Of an output that are printed."""

Tensor = NDArray[np.int8]
Labels = NDArray[np.int64]


def print_outputs(run: LoadableRun, seen: SeenRuns) -> None:
    """Print the outputs of one run, their class where there is one, and where they were lost if all is one value."""
    for bound, output in zip(run.loadable.outputs, run.outputs, strict=True):
        images = output if output.ndim == 4 else output[None]
        for index, image in enumerate(images):
            of = f" of image {index}" if len(images) > 1 else ""
            click.echo(f"output {bound.tensor.name}{of}: {values_words(image)}")
            shares = _shares(run.loadable, image)
            if shares is not None:
                click.echo(f"  as shares: {' '.join(f'{share:.3f}' for share in shares)}")
            if is_classes(image):
                click.echo(f"  {class_words(image)}")
        if output.size > 1 and np.ptp(output) == 0:
            where = seen.first(lambda layer: layer.constant)
            click.echo(f"  every value is {output.flat[0]}: {where}{_hint(run.loadable)}")


def print_outputs_of_many(loadable: Loadable, outputs: Tensor, seen: SeenRuns) -> None:
    """Print the classes of many images, (N, C, H, W), and what it means if their outputs do not differ."""
    count = len(outputs)
    classes = top1(outputs) if is_classes(outputs[0]) else np.arange(count)
    if is_classes(outputs[0]):
        counted = sorted(Counter(classes.tolist()).items())
        listed = ", ".join(f"{one} ({images})" for one, images in counted)
        name = loadable.outputs[0].tensor.name
        click.echo(f"output {name}, classes of {count} images and how many are of each: {listed}")
    if (outputs == outputs[0]).all():
        where = seen.first(lambda layer: layer.unchanged)
        click.echo(
            f"all {count} images give the same output, {values_words(outputs[0])}: it does not depend on the image; "
            f"{where}{_hint(loadable)}"
        )
    elif (classes == classes[0]).all():
        click.echo(f"all {count} images are of class {classes[0]}; if they should not be, {_hint(loadable)}")


def _hint(loadable: Loadable) -> str:
    return f"nvdla-int8 explain {loadable.path} tells why"


def check_labels(loadable: Loadable, labels: Labels) -> None:
    """Refuse labels for an output that is no classes, or beyond them: BenchError."""
    if not loadable.outputs:
        raise BenchError(f"{loadable.path} has no output")
    tensor = loadable.outputs[0].tensor
    if tensor.c < 2 or (tensor.h, tensor.w) != (1, 1):
        raise BenchError(f"output {tensor.name!r} is {tensor.c} x {tensor.h} x {tensor.w}, no classes")
    for index in np.flatnonzero(labels >= tensor.c)[:1]:
        raise BenchError(
            f"label {labels[index]} of image {index}: output {tensor.name!r} has classes 0..{tensor.c - 1}"
        )


def print_accuracy(outputs: Tensor, labels: Labels, images: Images) -> None:
    """Print how many outputs, (N, C, 1, 1), have their largest value at the label, and the images that do not."""
    classes = top1(outputs)
    wrong = np.flatnonzero(classes != labels).tolist()
    right = len(labels) - len(wrong)
    click.echo(f"top-1: {right} of {len(labels)} right, {share_words(right / len(labels))}")
    if wrong:
        names = (
            f"{Path(images.name(index)).name} is of class {labels[index]}, not {classes[index]}" for index in wrong
        )
        click.echo(f"wrong: {listed(names)}")


def values_words(image: Tensor) -> str:
    """A tensor's values, in the order c, y, x; of a large one the first, and how they are spread."""
    flat = image.ravel()
    shown = " ".join(map(str, flat[:MOST_VALUES].tolist()))
    if flat.size <= MOST_VALUES:
        return shown
    shape = " x ".join(map(str, image.shape))
    return f"{shown} ... ({shape}, {flat.min()} to {flat.max()}, mean {number(float(flat.mean()))})"


def is_classes(image: Tensor) -> bool:
    """Whether a tensor is one of scores: several channels of one pixel."""
    return image.shape[0] > 1 and image.shape[1:] == (1, 1)


def class_words(image: Tensor) -> str:
    """The class with the highest score, or that several have it."""
    flat = image.ravel()
    best = np.flatnonzero(flat == flat.max())
    if best.size == 1:
        return f"class {best[0]}, with {flat.max()}"
    listed = ", ".join(map(str, best[:MOST_VALUES].tolist()))
    return f"no class: {best.size} have the largest value {flat.max()}: {listed}"


def _shares(loadable: Loadable, image: Tensor) -> NDArray[np.float64] | None:
    """A softmax's output in real numbers; None when the last thing that runs is none, or it is too long to print."""
    last = loadable.cpu_tasks[-1].operations[-1].operation if loadable.tasks[-1] in loadable.cpu_tasks else None
    if not isinstance(last, CpuSoftmax) or image.size > MOST_VALUES:
        return None
    return image.ravel().astype(np.float64) * last.output_scale
