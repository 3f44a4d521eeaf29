"""Train the digits network and write it as ONNX: ``python -m networks.digits.train``.

The only module that needs torch. The recipe below was chosen by cross-validation inside the training
images; the test images are looked at once, after training, to print the accuracy.
"""

import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from networks.digits import data
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator

try:
    import torch
    from torch import Tensor, nn
except ImportError:
    print("torch is missing: `make train` installs it", file=sys.stderr)
    sys.exit(2)

EPOCHS = 80
BATCH = 64
PEAK_LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.1
SHIFTED_SHARE = 0.5
"""Share of the training images that are moved by up to one pixel, anew in each epoch."""

OPSET = 20
IR_VERSION = 10


def build_network() -> nn.Sequential:
    """Return the untrained layers: input (N, 1, 8, 8) normalised, output (N, 10, 1, 1)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, stride=1, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 10, kernel_size=2),
    )


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


def preprocessing(images: npt.NDArray[np.uint8]) -> tuple[float, np.float32]:
    """Return the mean of all pixels, rounded to an integer, and the scale 1 / standard deviation."""
    return float(round(images.mean())), np.float32(1 / images.std())


def normalised(images: npt.NDArray[np.uint8], mean: float, scale: np.float32) -> Tensor:
    """Return what the graph's Sub and Mul make of the raw pixels, float32 (N, 1, 8, 8)."""
    return torch.from_numpy((images.astype(np.float32) - np.float32(mean)) * scale)


def train(split: data.DigitsSplit, seed: str) -> nn.Sequential:
    """Train on the training images alone; the same seed gives the same weights on one machine."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # the number of threads changes the order of sums, and so the weights
    torch.manual_seed(int(generator(seed, "digits", "weights").integers(2**63)))
    rng = generator(seed, "digits", "batches")
    mean, scale = preprocessing(split.train_images)
    labels = torch.from_numpy(split.train_labels)
    network = build_network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    starts = range(0, len(labels), BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=PEAK_LEARNING_RATE, total_steps=EPOCHS * len(starts)
    )
    for _ in range(EPOCHS):
        order = rng.permutation(len(labels))
        inputs = normalised(shifted(split.train_images, rng), mean, scale)
        for start in starts:
            batch = torch.from_numpy(order[start : start + BATCH])
            loss = nn.functional.cross_entropy(network(inputs[batch]).flatten(1), labels[batch])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    return network


def accuracy(network: nn.Sequential, inputs: Tensor, labels: npt.NDArray[np.int64]) -> float:
    """Return the share of images whose largest logit is their label's."""
    with torch.no_grad():
        predicted = network(inputs).flatten(1).argmax(1).numpy()
    return float((predicted == labels).mean())


def to_onnx(network: nn.Sequential, mean: float, scale: np.float32, seed: str) -> onnx.ModelProto:
    """Return the network with its preprocessing as one ONNX graph.

    ``image`` (N, 1, 8, 8) raw pixels -> Sub(mean) -> ``centred`` -> Mul(scale) -> ``data`` -> for
    conv1..conv3: Conv -> ``convN_acc`` -> Relu -> ``convN``; conv4 writes ``logits`` (N, 10, 1, 1).
    """
    initializers = [
        numpy_helper.from_array(np.full((1, 1, 1, 1), mean, np.float32), "mean"),
        numpy_helper.from_array(np.full((1, 1, 1, 1), scale, np.float32), "scale"),
    ]
    nodes = [
        helper.make_node("Sub", ["image", "mean"], ["centred"], name="subtract_mean"),
        helper.make_node("Mul", ["centred", "scale"], ["data"], name="multiply_scale"),
    ]
    convolutions = [layer for layer in network if isinstance(layer, nn.Conv2d)]
    source = "data"
    for number, layer in enumerate(convolutions, start=1):
        name = f"conv{number}"
        last = number == len(convolutions)
        for kind, values in layer.state_dict().items():
            initializers.append(numpy_helper.from_array(values.numpy(), f"{name}_{kind}"))
        nodes.append(
            helper.make_node(
                "Conv",
                [source, f"{name}_weight", f"{name}_bias"],
                ["logits" if last else f"{name}_acc"],
                name=name,
                kernel_shape=list(layer.kernel_size),
                strides=list(layer.stride),
                pads=list(layer.padding) * 2,
            )
        )
        if not last:
            nodes.append(helper.make_node("Relu", [f"{name}_acc"], [name], name=f"{name}_relu"))
        source = name
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10, 1, 1])],
        initializer=initializers,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="networks.digits.train",
        doc_string=(
            "Digits 0..9 from 8x8 grey images of raw pixels 0..255 (scikit-learn's load_digits, grey value "
            f"* 255 // 16). Made by `python -m networks.digits.train --seed {seed}`: trained on the 1437 "
            "training images of networks/digits/data.py. mean is the mean training pixel, rounded; scale "
            "is 1 / standard deviation."
        ),
    )
    onnx.checker.check_model(model, full_check=True)
    return model


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
    """Train the digits network on the CPU (about ten seconds) and write it as ONNX."""
    split = data.load()
    network = train(split, seed)
    mean, scale = preprocessing(split.train_images)
    for part, images, labels in (
        ("train", split.train_images, split.train_labels),
        ("test", split.test_images, split.test_labels),
    ):
        share = accuracy(network, normalised(images, mean, scale), labels)
        print(f"{part} accuracy {share:.4f} ({len(labels)} images)")
    model = to_onnx(network, mean, scale, seed)
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
