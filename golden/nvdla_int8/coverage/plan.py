"""The coverage plan: features with bins and crosses, read from the parts' TOML files (docs/coverage.md).

A sampler gives samples: plain values by name. The plan says which of them are bins, so a bin is a value, a range of
integers, or a product of several values of one sample.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nvdla_int8.errors import BenchError, BenchErrors, Problems, file_trouble, located
from nvdla_int8.parameters import first_problem

PARTS_FOLDER = Path(__file__).parent / "parts"
PARTS = ("programs", "arithmetic", "protocol", "states")
"""The parts of the plan, each a file; the model collects the first two, a bench all of them."""

MODEL_PARTS = PARTS[:2]

RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)?")

Value = bool | int | str | Mapping[str, int] | None
"""What a sampler saw: whether, how many, which; how many of each; None where the question does not arise."""


@dataclass(frozen=True)
class Sample:
    """What a sampler saw at one place of a program or run: values by name."""

    sampler: str
    values: Mapping[str, Value]


class _Feature(BaseModel):
    """A feature as its file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    what: str
    sampler: str
    goal: Annotated[int, Field(ge=1)] = 1
    bins: dict[str, Literal[True] | list[int | str]]
    crosses: list[list[str]] = []
    unreachable: dict[str, str] = {}


class _Part(BaseModel):
    """A file."""

    model_config = ConfigDict(extra="forbid")

    feature: list[dict[str, Any]]


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Bin:
    """One bin: it is reached when its feature's samples met it ``goal`` times; ``unreachable`` says why none can."""

    name: str
    goal: int
    unreachable: str = ""


class Feature:
    """A feature of the plan: one thing to look at, by one sampler.

    Attributes
    ----------
    part
        The part that it belongs to.
    name, what, sampler
        Its name, what a sample is, and who gives it.
    bins
        Its bins by their full names, ``FEATURE: VALUE NAME VALUE``.
    """

    def __init__(self, part: str, read: _Feature) -> None:
        self.part, self.name, self.what, self.sampler = part, read.name, read.what, read.sampler
        self._labels: dict[str, dict[int | str, str]] = {}
        self._ranges: dict[str, list[tuple[int, float, str]]] = {}
        for variable, values in read.bins.items():
            self._add(variable, values)
        self._crosses = read.crosses
        labels = {variable: self._labels_of(variable) for variable in self.variables}
        for cross in self._crosses:
            if missing := set(cross) - labels.keys():
                raise BenchError(f"the cross {cross} names {', '.join(sorted(missing))}, of which there are no bins")
        names = [label for ones in labels.values() for label in ones]
        names += [" x ".join(ones) for cross in self._crosses for ones in product(*(labels[one] for one in cross))]
        if unknown := read.unreachable.keys() - set(names):
            raise BenchError(f"{', '.join(sorted(unknown))} is said to be unreachable and is no bin")
        if double := [name for name, count in Counter(names).items() if count > 1]:
            raise BenchError(f"the bin {double[0]!r} is there twice")
        self.bins = {
            self.full_name(name): Bin(self.full_name(name), read.goal, read.unreachable.get(name, "")) for name in names
        }

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the values that its bins are of."""
        return tuple(self._labels)

    def full_name(self, name: str) -> str:
        """Name of one of its bins among all of the plan."""
        return f"{self.name}: {name}"

    def _add(self, variable: str, values: Literal[True] | list[int | str]) -> None:
        labels = self._labels.setdefault(variable, {})
        ranges = self._ranges.setdefault(variable, [])
        if isinstance(values, bool):
            labels[True] = variable
            return
        if double := [value for value, count in Counter(values).items() if count > 1]:
            raise BenchError(f"the bin '{variable} {double[0]}' is there twice")
        for value in values:
            label = f"{variable} {value}"
            if (found := RANGE.fullmatch(str(value))) is None:
                labels[value] = label
                continue
            low, high = int(found[1]), int(found[2]) if found[2] else math.inf
            if low > high:
                raise BenchError(f"the bin '{label}' holds nothing: {low} is above {high}")
            ranges.append((low, high, label))

    def _labels_of(self, variable: str) -> list[str]:
        return [*self._labels[variable].values(), *(label for _, _, label in self._ranges[variable])]

    def count(self, values: Mapping[str, Value], counts: Counter[str]) -> None:
        """Add a sample to the counts of its bins.

        Raises
        ------
        BenchError
            The sampler does not give a value that there are bins of, or a word that is no bin.
        """
        counts[self.name] += 1
        met: dict[str, list[str]] = {}
        for variable in self._labels:
            if variable not in values:
                raise BenchError(
                    f"feature {self.name!r} has bins of {variable!r}, which no one samples: its sampler "
                    f"{self.sampler!r} gives {', '.join(values)}"
                )
            found = self._met(variable, values[variable])
            met[variable] = list(found)
            for label, count in found.items():
                counts[self.full_name(label)] += count
        for cross in self._crosses:
            for labels in product(*(met[variable] for variable in cross)):
                counts[self.full_name(" x ".join(labels))] += 1

    def _met(self, variable: str, value: Value) -> dict[str, int]:
        if value is None or value is False:
            return {}
        if isinstance(value, Mapping):
            return {self._label(variable, word): count for word, count in value.items() if count}
        if isinstance(value, int) and not isinstance(value, bool):
            labels = [label for low, high, label in self._ranges[variable] if low <= value <= high]
            labels += [self._labels[variable][value]] if value in self._labels[variable] else []
            return dict.fromkeys(labels, 1)
        return {self._label(variable, value): 1}

    def _label(self, variable: str, word: int | str) -> str:
        try:
            return self._labels[variable][word]
        except KeyError:
            raise BenchError(
                f"the sampler {self.sampler!r} gives {variable} {word!r}, which is no bin of feature {self.name!r}"
            ) from None


class CoveragePlan:
    """All features; :meth:`count` turns samples into counts of bins.

    Attributes
    ----------
    features
        By name, part by part.
    """

    def __init__(self, features: Iterable[Feature]) -> None:
        self.features: dict[str, Feature] = {}
        for feature in features:
            if feature.name in self.features:
                raise BenchError(f"coverage plan: the feature {feature.name!r} is there twice")
            self.features[feature.name] = feature
        self._of_sampler: dict[str, list[Feature]] = {}
        for feature in self.features.values():
            self._of_sampler.setdefault(feature.sampler, []).append(feature)

    def bins(self, parts: Collection[str] = PARTS) -> dict[str, Bin]:
        """The bins of some parts by their full names."""
        features = (feature for feature in self.features.values() if feature.part in parts)
        return {name: one for feature in features for name, one in feature.bins.items()}

    def feature_of(self, bin_name: str) -> Feature:
        """The feature of a bin's full name."""
        return self.features[bin_name.partition(": ")[0]]

    def count(self, samples: Iterable[Sample]) -> dict[str, int]:
        """How often samples met each bin, by its full name, and how many samples each feature had, by its name.

        Raises
        ------
        BenchError
            A sampler that gives what no feature has bins of, or not what one has.
        """
        counts: Counter[str] = Counter()
        for sample in samples:
            features = self._of_sampler.get(sample.sampler, [])
            known = {variable for feature in features for variable in feature.variables}
            if unknown := sample.values.keys() - known:
                raise BenchError(
                    f"coverage plan: the sampler {sample.sampler!r} gives {', '.join(map(repr, sorted(unknown)))}, "
                    f"of which no feature has bins"
                )
            for feature in features:
                with located("coverage plan"):
                    feature.count(sample.values, counts)
        return dict(counts)

    def check_samplers(self, parts: Collection[str], samplers: Collection[str]) -> None:
        """BenchError when a feature of some parts has a sampler that there is not, a line each."""
        problems = [
            f"coverage plan: no one samples the feature {feature.name!r}: there is no sampler {feature.sampler!r} of "
            f"{feature.part}, there are {', '.join(sorted(samplers))}"
            for feature in self.features.values()
            if feature.part in parts and feature.sampler not in samplers
        ]
        if problems:
            raise BenchErrors(problems)


@cache
def load_plan(folder: Path = PARTS_FOLDER) -> CoveragePlan:
    """Read the plan.

    Raises
    ------
    BenchError
        A file that cannot be read, naming feature and value.
    """
    features: list[Feature] = []
    problems = Problems()
    for part in PARTS:
        path = folder / f"{part}.toml"
        try:
            with path.open("rb") as file:
                tables = tomllib.load(file)
        except OSError as error:
            raise BenchError(f"{path}: {file_trouble(error)}") from None
        except ValueError as error:  # not TOML, or not UTF-8
            raise BenchError(f"{path}: {error}") from None
        with located(str(path)):
            described = _read(_Part, tables).feature
        for table in described:
            with problems.gathered(), located(f"{path}: feature {table.get('name', '?')}"):
                features.append(Feature(part, _read(_Feature, table)))
    problems.check()
    return CoveragePlan(features)


def _read(kind: type[Model], table: Mapping[str, Any]) -> Model:
    try:
        return kind.model_validate(table, strict=True)
    except ValidationError as error:
        raise BenchError(first_problem(error)) from None
