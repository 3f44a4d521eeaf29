"""The digits network: its data split and its ONNX file."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from networks.digits import data

ONNX_PATH = Path(data.__file__).with_name("digits.onnx")
FIRST_TEST_LABELS = [0, 2, 4, 7, 1, 6, 8, 9, 5, 3]
TEST_PIXEL_SUM = 1777140
NODES = {
    "Sub": 1, "Mul": 1, "Conv": 6, "BatchNormalization": 6, "Relu": 5, "MaxPool": 1, "Add": 2,
    "GlobalAveragePool": 1, "Flatten": 1, "Gemm": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def split() -> data.DigitsSplit:
    return data.load()


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return onnx.load(ONNX_PATH)


def test_split_shapes_and_pixel_range(split: data.DigitsSplit) -> None:
    assert split.train_images.shape == (1437, 1, 8, 8)
    assert split.test_images.shape == (360, 1, 8, 8)
    assert split.train_labels.shape == (1437,)
    assert split.test_labels.shape == (360,)
    assert split.train_images.dtype == split.test_images.dtype == np.uint8
    assert (split.train_images.min(), split.train_images.max()) == (0, 255)


def test_split_is_the_same_whatever_the_global_seed(split: data.DigitsSplit) -> None:
    np.random.seed(1)  # noqa: NPY002 - the global generator is the point
    again = data.load()
    np.testing.assert_array_equal(again.test_images, split.test_images)
    np.testing.assert_array_equal(again.test_labels, split.test_labels)
    np.testing.assert_array_equal(again.train_images, split.train_images)
    assert split.test_labels[:10].tolist() == FIRST_TEST_LABELS
    assert int(split.test_images.sum()) == TEST_PIXEL_SUM


def test_split_parts_share_no_image_and_keep_all(split: data.DigitsSplit) -> None:
    train = {image.tobytes() for image in split.train_images}
    test = {image.tobytes() for image in split.test_images}
    assert train.isdisjoint(test)
    assert len(train) + len(test) == 1797


def test_split_is_stratified(split: data.DigitsSplit) -> None:
    test = np.bincount(split.test_labels, minlength=10)
    total = test + np.bincount(split.train_labels, minlength=10)
    assert np.all(np.abs(test - total / 5) < 1)


def test_onnx_is_small_and_valid(model: onnx.ModelProto) -> None:
    assert ONNX_PATH.stat().st_size < 200_000
    onnx.checker.check_model(model, full_check=True)
    assert model.producer_name == "pytorch"
    assert model.opset_import[0].version == 17
    assert "networks.digits.train" in model.doc_string


def test_onnx_starts_with_the_preprocessing(model: onnx.ModelProto, split: data.DigitsSplit) -> None:
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    subtract, multiply = [node for node in model.graph.node if node.op_type != "Identity"][:2]
    assert (subtract.op_type, list(subtract.input)) == ("Sub", ["image", "centred.mean"])
    assert (multiply.op_type, list(multiply.input)) == ("Mul", [*subtract.output, "data.factor"])
    assert list(multiply.output) == ["data"]
    assert constants["centred.mean"].item() == round(split.train_images.mean())
    assert constants["data.factor"].item() == pytest.approx(1 / split.train_images.std())


def test_onnx_is_a_residual_network_as_its_exporter_wrote_it(model: onnx.ModelProto) -> None:
    assert Counter(node.op_type for node in model.graph.node if node.op_type != "Identity") == NODES
    assert [(node.op_type, list(node.output)) for node in model.graph.node][-1] == ("Gemm", ["logits"])
    writers = {name: node for node in model.graph.node for name in node.output}
    sums = [node for node in model.graph.node if node.op_type == "Add"]
    shortcuts = [writers[node.input[1]].name for node in sums]
    assert shortcuts == ["pool", "block2.bn_skip"], "one is the block's input, one its projection"


def test_onnx_recognises_held_out_images(model: onnx.ModelProto, split: data.DigitsSplit) -> None:
    outputs = ReferenceEvaluator(model).run(None, {"image": split.test_images.astype(np.float32)})
    assert isinstance(outputs, list)
    logits = outputs[0]
    assert logits.shape == (360, 10)
    assert (logits.argmax(axis=1) == split.test_labels).mean() >= 0.9917


def test_train_without_torch_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('hidden by the test')\n")
    paths = os.pathsep.join([str(tmp_path), str(ONNX_PATH.parents[2])])
    result = subprocess.run(
        [sys.executable, "-m", "networks.digits.train", "--output", str(tmp_path / "digits.onnx")],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.splitlines() == ["torch is missing: `make train` installs it"]
