"""Evaluation: which entries of a table are to blame, and what a layer's noise is made of."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.evaluate.comparison import written_outputs
from nvdla_int8.evaluate.evaluation import evaluate
from nvdla_int8.evaluate.float_layer import run_float_layer
from nvdla_int8.evaluate.int8_reals import int8_reals
from nvdla_int8.evaluate.layer_causes import (
    ARITHMETIC,
    BEFORE,
    INPUT,
    OUTPUT,
    OWN,
    WEIGHTS,
    WEIGHTS_PER_TENSOR,
    CauseNoise,
    LayerCauses,
    merge_causes,
)
from nvdla_int8.evaluate.noise import MOST_STEPS, Noise, decibels
from nvdla_int8.evaluate.results import Evaluation
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.evaluate.words import sentences
from nvdla_int8.images.labels import top1
from nvdla_int8.network.float_network import FloatConvolution
from nvdla_int8.quantise.network import QuantisedNetwork
from nvdla_int8.stages.layer_program import LayerProgram
from tests.golden import evaluated

PARTS = (INPUT, WEIGHTS, OUTPUT, ARITHMETIC)

# The tensors of each scale: a pooling has that of its input.
SCALES = {"image": ("image",), "one_relu": ("one_relu", "pooled"), "two_relu": ("two_relu",), "scores": ("scores",)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluated")


@pytest.fixture(scope="module")
def right(folder: Path) -> Evaluation:
    return evaluate(evaluated.subject(folder))


def with_wrong(folder: Path, **factors: float) -> Evaluation:
    """The evaluation with some scales wrong; those of all tensors that share them."""
    spread = tuple((name, factor) for scale, factor in factors.items() for name in SCALES[scale])
    return evaluate(evaluated.subject(folder, spread))


# --- blame


def test_evaluate_blames_nobody_when_all_entries_are_right(right: Evaluation) -> None:
    assert right.suspects == ()
    assert right.repaired is None
    assert right.jump is None
    assert right.images == evaluated.IMAGES
    assert [tensor.tensor for tensor in right.tensors] == list(evaluated.TENSORS)
    for network in right.networks:
        assert network.outcome.sqnr_db > 25
        assert network.outcome.agreement is not None
        assert network.outcome.agreement >= 0.9
        assert network.outcome.top1 is None
    assert any("no entry of the table is to blame" in sentence for sentence in sentences(right))


@pytest.mark.parametrize("factor", [8.0, 0.125])
@pytest.mark.parametrize("scale", SCALES)
def test_evaluate_blames_the_entry_that_is_wrong(scale: str, factor: float, right: Evaluation, folder: Path) -> None:
    found = with_wrong(folder, **{scale: factor})
    [blame] = found.suspects
    assert blame.tensors == blame.entries == SCALES[scale]
    assert blame.to_blame
    assert blame.too_wide == (factor > 1)
    proper = blame.scale / factor
    assert 0.6 < blame.better_scale / proper < 1.05
    assert abs(blame.bits - 3) < 1
    if factor > 1:
        assert 2.9 < blame.unused_bits < 3.6
        assert blame.clipped_share == 0
    else:
        assert blame.unused_bits < -2.3
        assert blame.clipped_share > 0.1
    before, after = found.networks[0].outcome, blame.alone
    assert after is not None
    assert after == found.repaired
    assert after.sqnr_db > before.sqnr_db + 3
    assert after.sqnr_db == pytest.approx(right.networks[0].outcome.sqnr_db, abs=2.0)
    assert f"to blame: {', '.join(SCALES[scale])}: " in "\n".join(sentences(found))


def test_evaluate_blames_the_one_entry_that_makes_a_shared_scale_wide(folder: Path) -> None:
    found = evaluate(evaluated.subject(folder, (("pooled", 8.0),)))
    [blame] = found.suspects
    assert (blame.tensors, blame.entries) == (SCALES["one_relu"], ("pooled",))
    assert "to blame: pooled, of one_relu, pooled: scale " in "\n".join(sentences(found))


def test_evaluate_one_narrow_entry_of_a_shared_scale_does_no_harm(folder: Path) -> None:
    assert evaluate(evaluated.subject(folder, (("pooled", 0.125),))).suspects == ()


@pytest.mark.parametrize(("scale", "layer"), [("one_relu", "one"), ("two_relu", "two"), ("scores", "three")])
def test_evaluate_noise_jumps_first_where_the_wrong_entry_is(scale: str, layer: str, folder: Path) -> None:
    jump = with_wrong(folder, **{scale: 8.0}).jump
    assert jump is not None
    assert (jump.layer, jump.tensor) == (layer, scale)
    assert jump.output_db < jump.expected_db - 6


def test_evaluate_noise_that_comes_from_before_is_no_jump(folder: Path) -> None:
    assert with_wrong(folder, image=8.0).jump is None


def test_evaluate_blames_entries_that_hide_each_other(right: Evaluation, folder: Path) -> None:
    found = with_wrong(folder, one_relu=0.125, two_relu=8.0)
    assert {blame.tensors for blame in found.suspects} == {SCALES["one_relu"], SCALES["two_relu"]}
    assert all(blame.to_blame for blame in found.suspects)
    hidden = next(blame for blame in found.suspects if blame.tensors == SCALES["two_relu"])
    assert hidden.alone is not None
    assert hidden.alone.sqnr_db < found.networks[0].outcome.sqnr_db + 1
    assert found.repaired is not None
    assert found.repaired.sqnr_db == pytest.approx(right.networks[0].outcome.sqnr_db, abs=2.0)


def test_evaluate_does_not_blame_what_costs_the_output_nothing(folder: Path) -> None:
    """Pixels in seven bits are coarser than they need be, but the layers behind add far more noise."""
    found = with_wrong(folder, image=2.0)
    [blame] = found.suspects
    assert blame.tensors == ("image",)
    assert not blame.to_blame
    assert any(sentence.startswith("not to blame: image: ") for sentence in sentences(found))


def test_evaluate_goes_on_where_weights_per_tensor_cannot_be_programmed(folder: Path, right: Evaluation) -> None:
    """A network trained in integers with a step of each kernel has none for all."""
    subject = evaluated.subject(folder)
    [first, *_] = subject.source.convolutions
    found = evaluate(replace(subject, weight_scales={first.name: evaluated.weight_steps(first.weights)}))
    assert found.networks == right.networks[:1]
    assert all(tensor.per_tensor_db is None for tensor in found.tensors)
    assert found.per_tensor_problem is not None
    assert found.per_tensor_problem.endswith("16 weight scales differ, per tensor there is one")
    assert f"weights per tensor cannot be programmed: {found.per_tensor_problem}" in list(sentences(found))
    assert {part.weights_per_tensor for part in found.layers} == {None}


def test_evaluate_is_the_same_image_by_image(folder: Path, right: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvdla_int8.evaluate.subject.BATCH_ELEMENTS", 1)
    told: list[int] = []
    found = evaluate(replace(evaluated.subject(folder), tell=lambda what, images: told.append(images)))
    assert set(told) == {1}
    assert len(told) == 2 * evaluated.IMAGES
    assert [network.outcome.agreement for network in found.networks] == [
        network.outcome.agreement for network in right.networks
    ]
    for one, other in zip(found.tensors, right.tensors, strict=True):
        assert one.error_counts == other.error_counts
        assert one.per_kernel_db == pytest.approx(other.per_kernel_db)


# --- causes


class Isolated:
    """The causes of the layers' noise, per kernel unless told otherwise."""

    def __init__(self, subject: Subject, per_kernel: QuantisedNetwork | None = None) -> None:
        self.subject = subject
        quantised = per_kernel or subject.quantised()
        self.noise: CauseNoise = {}
        causes = LayerCauses(subject.source, quantised, subject.quantised(per_kernel=False))
        for images, floats in subject.batches(subject.source.measured):
            found = causes.noise(floats, int8_reals(quantised, images, quantised.network.run(images)))
            merge_causes(self.noise, found)

    def worst(self, layer: str) -> str:
        """The part of the layer's own noise that is largest."""
        return min(PARTS, key=lambda cause: self.noise[layer][cause].sqnr_db)


@cache
def isolated(folder: Path, **factors: float) -> Isolated:
    return Isolated(evaluated.subject(folder, tuple((n, f) for s, f in factors.items() for n in SCALES[s])))


def test_causes_name_the_entry_of_the_input_and_of_the_output(folder: Path) -> None:
    for factor in (8.0, 0.125):
        wrong = isolated(folder, one_relu=factor)
        assert wrong.worst("one") == OUTPUT
        assert wrong.worst("two") == INPUT
        assert wrong.noise["three"][BEFORE].sqnr_db < wrong.noise["three"][OWN].sqnr_db - 6


def test_causes_of_a_right_table_are_rounding(folder: Path) -> None:
    alone = isolated(folder)
    assert set(alone.noise) == {"one", "pool", "two", "three"}
    assert set(alone.noise["pool"]) == {OWN, BEFORE}
    for layer in ("one", "two", "three"):
        noise = alone.noise[layer]
        assert noise[ARITHMETIC].sqnr_db > noise[OWN].sqnr_db + 10
        together = sum(noise[cause].noise for cause in PARTS)
        assert noise[OWN].noise == pytest.approx(together, rel=0.2)


def test_causes_show_what_weights_per_tensor_cost(folder: Path) -> None:
    """One kernel of layer two is four times as large as the others; the kernels of layer one are exact on their own."""
    noise = isolated(folder).noise
    assert noise["two"][WEIGHTS_PER_TENSOR].noise > 4 * noise["two"][WEIGHTS].noise
    assert noise["one"][WEIGHTS].noise < 1e-3 * noise["one"][WEIGHTS_PER_TENSOR].noise


def test_causes_name_the_arithmetic_of_a_wrong_program(folder: Path) -> None:
    subject = evaluated.subject(folder)
    wrong = Isolated(subject, with_multipliers(subject.quantised(), "two", 0.9))
    assert wrong.worst("two") == ARITHMETIC
    assert wrong.noise["two"][ARITHMETIC].sqnr_db == pytest.approx(20, abs=1)
    assert wrong.worst("one") != ARITHMETIC


def with_multipliers(quantised: QuantisedNetwork, name: str, factor: float) -> QuantisedNetwork:
    """The network with one layer's per-kernel multipliers wrong by a factor."""
    layers = []
    for layer in quantised.network.layers:
        program = layer.program
        if layer.name == name:
            assert isinstance(program, LayerProgram)
            assert program.x1_mul is not None
            multipliers = np.rint(program.x1_mul * factor).astype(np.int16)
            program = program.model_copy(update={"x1_mul": multipliers})
        layers.append(replace(layer, program=program))
    return replace(quantised, network=replace(quantised.network, layers=tuple(layers)))


def test_float_layer_is_the_networks_own(folder: Path) -> None:
    subject = evaluated.subject(folder)
    source = subject.source
    [_, floats] = next(subject.batches(source.measured))
    for layer in source.layers:
        if isinstance(layer, FloatConvolution):
            found = run_float_layer(layer, [floats[name].astype(np.float64) for name in layer.inputs])
            np.testing.assert_allclose(found, floats[layer.output], atol=1e-4)


# --- numbers


def test_noise_counts_errors_in_steps() -> None:
    noise = Noise()
    noise.add(np.array([1.0, -2.0]), np.array([1.0, -1.0]), 0.5)
    noise.add(np.array([0.0, 4.0]), np.array([20.0, 3.5]), 0.5)
    assert (noise.elements, noise.signal, noise.noise, noise.worst) == (4, 21.0, 401.25, 20.0)
    assert noise.mean == 21.5 / 4
    assert noise.sqnr_db == pytest.approx(10 * math.log10(21 / 401.25))
    assert {int(at) - MOST_STEPS: int(noise.counts[at]) for at in np.flatnonzero(noise.counts)} == {
        -1: 1, 0: 1, 2: 1, MOST_STEPS: 1,
    }  # fmt: skip
    assert [noise.steps_apart(steps) for steps in range(4)] == [1, 1, 1, 0]


def test_decibels_without_noise_or_signal() -> None:
    assert decibels(1, 0) == math.inf
    assert decibels(0, 1) == -math.inf
    assert decibels(100, 1) == 20


# --- classes


def test_evaluate_counts_right_classes(folder: Path, right: Evaluation) -> None:
    subject = evaluated.subject(folder)
    of_float = classes_of_float(subject)
    found = evaluate(replace(subject, labels=of_float))
    assert found.float_top1 == 1
    for with_labels, without in zip(found.networks, right.networks, strict=True):
        assert with_labels.outcome.top1 == with_labels.outcome.agreement == without.outcome.agreement
    wrong = of_float.copy()
    wrong[:6] = (wrong[:6] + 1) % 10
    assert evaluate(replace(subject, labels=wrong)).float_top1 == 1 - 6 / evaluated.IMAGES


def classes_of_float(subject: Subject) -> NDArray[np.int64]:
    batches = [floats["scores"] for _, floats in subject.batches(["scores"])]
    return top1(np.concatenate(batches))


def test_evaluate_label_that_is_no_class_is_named(folder: Path) -> None:
    subject = evaluated.subject(folder)
    labels = np.zeros(evaluated.IMAGES, np.int64)
    labels[3] = 99
    with pytest.raises(BenchError, match=r"label 99 of image 3: output '\w+' has classes 0\.\.9"):
        evaluate(replace(subject, labels=labels))


def test_evaluate_labels_for_a_network_that_does_not_classify(folder: Path) -> None:
    subject = evaluated.subject(folder)
    source = replace(subject.source, outputs=("two_relu",))
    labels = np.zeros(evaluated.IMAGES, np.int64)
    with pytest.raises(BenchError, match=r"net\.onnx: output 'two_relu' is no score for each class"):
        evaluate(replace(subject, source=source, labels=labels))


def test_outputs_of_the_host_are_judged_by_what_the_hardware_wrote(folder: Path) -> None:
    source = evaluated.subject(folder).source
    hardware: Sequence[str] = [name for name in source.tensors if name != "scores"]
    assert written_outputs(source, hardware) == ("two_relu",)
    assert written_outputs(source, source.tensors) == ("scores",)
