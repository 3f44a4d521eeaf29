"""Train the digits network and write it as ONNX: ``python -m networks.digits.train``.

This and :mod:`networks.digits.resnet` are all that needs torch. The recipe below was chosen by cross-validation inside
the training images; the test images are looked at once, after training, to print the accuracy.
"""

import io
import sys
import warnings
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import onnx

from networks.digits import data
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator

try:
    import torch
    from torch import Tensor, nn

    from networks.digits.resnet import DigitsResNet
except ImportError:
    print("torch is missing: `make train` installs it", file=sys.stderr)
    sys.exit(2)

EPOCHS = 80
BATCH = 64
PEAK_LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.1
SHIFTED_SHARE = 0.5
"""Share of the training images that are moved by up to one pixel, anew in each epoch."""

OPSET = 17


def shifted(images: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return the images (N, 1, 8, 8), a random share of them moved by -1..1 pixels in x and y.

    The pixels that move in from outside are 0, the background.
    """
    count, _, height, width = images.shape
    moved = rng.random((count, 1)) < SHIFTED_SHARE
    start = np.where(moved, rng.integers(0, 3, size=(count, 2)), 1)
    y = start[:, 0, np.newaxis] + np.arange(height)
    x = start[:, 1, np.newaxis] + np.arange(width)
    padded = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    picked = padded[np.arange(count)[:, np.newaxis, np.newaxis], y[:, :, np.newaxis], x[:, np.newaxis, :]]
    return picked[:, np.newaxis]


def preprocessing(images: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Return the mean of all pixels, rounded to an integer, and the scale 1 / standard deviation."""
    return float(round(images.mean())), float(np.float32(1 / images.std()))


def reals(images: npt.NDArray[np.uint8]) -> Tensor:
    """Return the pixels as float32, which is what the network takes."""
    return torch.from_numpy(images.astype(np.float32))


def train(split: data.DigitsSplit, seed: str) -> DigitsResNet:
    """Train on the training images alone; the same seed gives the same weights on one machine."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # the number of threads changes the order of sums, and so the weights
    torch.manual_seed(int(generator(seed, "digits", "weights").integers(2**63)))
    rng = generator(seed, "digits", "batches")
    labels = torch.from_numpy(split.train_labels)
    network = DigitsResNet(*preprocessing(split.train_images))
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    starts = range(0, len(labels), BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=PEAK_LEARNING_RATE, total_steps=EPOCHS * len(starts)
    )
    for _ in range(EPOCHS):
        order = rng.permutation(len(labels))
        pixels = reals(shifted(split.train_images, rng))
        for start in starts:
            batch = torch.from_numpy(order[start : start + BATCH])
            loss = nn.functional.cross_entropy(network(pixels[batch]), labels[batch])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    network.eval()
    return network


def accuracy(network: DigitsResNet, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> float:
    """Return the share of images whose largest score is their label's."""
    with torch.no_grad():
        predicted = network(reals(images)).argmax(1).numpy()
    return float((predicted == labels).mean())


def to_onnx(network: DigitsResNet, seed: str) -> onnx.ModelProto:
    """Return the network as torch's own exporter writes it: ``image`` (N, 1, 8, 8) raw pixels, ``logits`` (N, 10).

    Each BatchNormalization stays a node of its own, as in networks of other people's. Nodes and tensors are called
    after their modules: ``block1.conv2`` is what the exporter calls ``/block1/conv2/Conv``.
    """
    written = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that torch prefers now needs packages beyond torch.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, data.SIDE, data.SIDE),),
            written,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            dynamo=False,
        )
    model = onnx.load_from_string(written.getvalue())
    for node in model.graph.node:
        node.name = module_name(node.name, network)
        node.input[:] = [module_name(name, network) for name in node.input]
        node.output[:] = [module_name(name, network) for name in node.output]
    model.doc_string = (
        "Digits 0..9 from 8x8 grey images of raw pixels 0..255 (scikit-learn's load_digits, grey value "
        f"* 255 // 16). Made by `python -m networks.digits.train --seed {seed}`: trained on the 1437 "
        "training images of networks/digits/data.py."
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def module_name(name: str, network: DigitsResNet) -> str:
    """Return the exporter's name of a node or tensor, or with only the module's path if the module is one node."""
    if not name.startswith("/"):
        return name  # input, output and weights
    *modules, operator = name.removesuffix("_output_0").strip("/").split("/")
    path = ".".join(modules)
    is_one_node = modules and not list(network.get_submodule(path).children())
    return path if is_one_node else ".".join([*modules, operator])


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path(__file__).with_name("digits.onnx"),
    show_default="networks/digits/digits.onnx",
    help="The ONNX file to write.",
)
@click.option("--seed", default="digits", show_default=True, help="Seed of weights and batches.")
def main(output: Path, seed: str) -> None:
    """Train the digits network on the CPU (about half a minute) and write it as ONNX."""
    split = data.load()
    network = train(split, seed)
    for part, images, labels in (
        ("train", split.train_images, split.train_labels),
        ("test", split.test_images, split.test_labels),
    ):
        share = accuracy(network, images, labels)
        print(f"{part} accuracy {share:.4f} ({len(labels)} images)")
    model = to_onnx(network, seed)
    try:
        output.write_bytes(model.SerializeToString())
    except OSError as error:
        raise BenchError(f"{output}: cannot be written: {error.strerror}") from error
    print(f"{output}: {output.stat().st_size} bytes")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
