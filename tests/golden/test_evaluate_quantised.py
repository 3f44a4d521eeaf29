"""Evaluation of networks that onnxruntime quantised: their bytes against its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.calibration.matching import match_table, read_network_table
from nvdla_int8.evaluate.evaluation import evaluate
from nvdla_int8.evaluate.results import Evaluation
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.evaluate.words import sentences
from nvdla_int8.images.open import open_images
from nvdla_int8.images.takers import wanted_by_network
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.stages.layer_program import LayerProgram, LayerStages
from tests.golden.command import succeed
from tests.golden.onnx_builder import OnnxBuilder
from tests.golden.quantised_models import PIXELS, Form, pixels, quantised_file

SAME = [1, 1, 1, 1]
FORMS = [Form(operators, True, not operators) for operators in (False, True)]


def classifier(model: OnnxBuilder) -> str:
    first = model.add("Relu", model.conv("image", 8, 3, 3, 3, pads=SAME, strides=[2, 2]))
    second = model.add("Add", model.conv(first, 8, 8, 3, 3, pads=SAME), first)
    pooled = model.add("MaxPool", model.add("Relu", second), kernel_shape=[2, 2], strides=[2, 2])
    return model.add("Gemm", model.add("Flatten", pooled), model.draw(128, 10), model.draw(10))


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: form.id)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model and images for it."""
    folder = tmp_path_factory.mktemp("quantised")
    np.save(folder / "images.npy", pixels(8))
    return quantised_file(folder, classifier, request.param), folder / "images.npy"


def evaluated_quantised(files: tuple[Path, Path]) -> Evaluation:
    source = read_onnx(files[0]).fed_with_pixels(PIXELS)
    return evaluate(
        Subject(
            source,
            match_table(read_network_table(None, source), source),
            open_images(files[1], wanted_by_network(source)),
        )
    )


def test_evaluate_counts_bytes_that_differ_from_onnxruntimes(files: tuple[Path, Path]) -> None:
    found = evaluated_quantised(files)
    assert found.table is None
    assert found.suspects == ()
    differences = found.onnx_differences
    assert len(differences) >= 5
    assert all(each.off_by_one + each.off_by_more < 0.05 * each.elements for each in differences)
    alone = [each for each in differences if each.alone_elements]
    assert len(alone) >= 4
    assert all((each.alone_elements, each.alone_by_more) == (each.elements, 0) for each in alone)
    assert sum(each.alone_by_one for each in alone) < 0.002 * sum(each.elements for each in alone)
    *_, told = sentences(found)
    assert told.endswith("differ from onnxruntime's by 1, none by more")
    assert not any("no entry of the table" in sentence for sentence in sentences(found))


def test_evaluate_shows_a_program_that_does_not_give_onnxruntimes_bytes(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last layer's bytes lose their two lowest bits."""
    program_run = LayerProgram.run

    def run(program: LayerProgram, *inputs: NDArray[np.integer], build: Build = NV_SMALL) -> LayerStages:
        stages = program_run(program, *inputs, build=build)
        return replace(stages, output=stages.output // 4 * 4) if len(program.weights) == 10 else stages

    monkeypatch.setattr(LayerProgram, "run", run)
    *_, last = evaluated_quantised(files).onnx_differences
    assert last.alone_by_more > last.elements / 10


def test_evaluate_command_takes_a_quantised_network_without_a_table(files: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    model, images = files
    printed = succeed("evaluate", model, "--images", images, "--mean", 128, "--std", 128, "--html", page)
    assert f"{model} with its own scales on 8 images" in printed
    assert "none by more" in printed
    assert page.read_text().count("<svg") == 6
