"""What a compiled network runs on, from whatever holds it: pictures, arrays, dumps."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.dimg import MAGIC, read_dimg
from nvdla_int8.errors import BenchError, located
from nvdla_int8.images.arrays import USUAL_NAMES, ArrayFile
from nvdla_int8.images.images import Images, Wanted
from nvdla_int8.images.open import is_array, open_images
from nvdla_int8.images.pictures import is_picture
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.runtime.bound_tensor import BoundTensor
from nvdla_int8.runtime.input_tensor import WHAT_PIXELS_BECOME, tensor_of_pixels, with_channels

Inputs = tuple[NDArray[np.int8], ...]
"""int8 (C, H, W) for each bind id; of a batch (N, C, H, W)."""


class InputImages(ABC):
    """What a network runs on, one run after the other.

    Attributes
    ----------
    words
        What is done to it, a line each.
    """

    words: tuple[str, ...] = ()

    @property
    @abstractmethod
    def images(self) -> Images | None:
        """The images, if it is made of any."""

    @abstractmethod
    def __len__(self) -> int:
        """How many runs they take."""

    @abstractmethod
    def name(self, run: int) -> str:
        """What the input of one run is called: its images; empty where there are none."""

    @abstractmethod
    def runs(self) -> Iterator[Inputs]:
        """The inputs of each run; BenchError for a file that turns out to be damaged."""


class OneRun(InputImages):
    """Tensors that are there already; none for a network that takes no input."""

    def __init__(self, inputs: Inputs, words: tuple[str, ...]) -> None:
        self._inputs, self.words = inputs, words

    @property
    def images(self) -> None:
        """None: these are tensors."""
        return

    def __len__(self) -> int:
        return 1

    def name(self, run: int) -> str:
        """Nothing."""
        return ""

    def runs(self) -> Iterator[Inputs]:
        """The one run."""
        yield self._inputs


class ImageRuns(InputImages):
    """Images for a network's one input, as many at a time as its batch holds; what the last one lacks is 0."""

    def __init__(self, images: Images, bound: BoundTensor, words: tuple[str, ...]) -> None:
        self._images, self._bound, self.words = images, bound, words

    @property
    def images(self) -> Images:
        """The images."""
        return self._images

    def __len__(self) -> int:
        return -(-len(self._images) // self._bound.images)

    def name(self, run: int) -> str:
        """The first and the last image of the run."""
        return self._images.names(run * self._bound.images, self._bound.images)

    def runs(self) -> Iterator[Inputs]:
        """Each batch as the runtime converts it."""
        channels = self._bound.shape[0]
        for part in self._images.batches(self._bound.images):
            if part.dtype == np.uint8:
                tensors = tensor_of_pixels(part.view(np.uint8), channels)
            else:
                tensors = with_channels(part.view(np.int8), channels)
            if self._bound.images == 1:
                yield (tensors[0],)
            else:
                yield (np.pad(tensors, [(0, self._bound.images - len(tensors)), *[(0, 0)] * 3]),)


def open_inputs(loadable: Loadable, path: Path | None, *, resize: bool = False, convert: bool = False) -> InputImages:
    """Open what a compiled network runs on.

    Parameters
    ----------
    loadable
        The network.
    path
        A picture or a folder of them and uint8 arrays, which are converted as the runtime does; int8 arrays and
        ``.dimg``, which are the tensor itself. Of a network with several inputs an ``.npz`` with an array for each
        one's name. None of a network without inputs.
    resize, convert
        As of :class:`Wanted`.

    Raises
    ------
    BenchError
        One line: what does not fit, and what the network takes.
    """
    bound = bound_inputs(loadable)
    if not bound:
        if path is not None:
            raise BenchError(f"{path}: {loadable.path} takes no input: what it works on is in the file")
        return OneRun((), ("it takes no input: what it works on is in the file",))
    takes = ", ".join(f"{one.name} {' x '.join(map(str, one.shape))}" for one in bound)
    if path is None:
        raise BenchError(f"{loadable.path}: give its input {takes}: a picture, an .npy, .npz or .dimg file")
    if len(bound) > 1:
        return _several(loadable, bound, path, takes)
    [one] = bound
    if _is_dimg(path):
        return _dump(loadable, one, path)
    wanted = _wanted(loadable, one, path, resize=resize, convert=convert)
    images = open_images(path, wanted)
    return ImageRuns(images, one, tuple(_words(one, path, wanted, images)))


def bound_inputs(loadable: Loadable) -> tuple[BoundTensor, ...]:
    """The network's inputs by bind id; BenchError with the file for one that the runtime does not take."""
    with located(str(loadable.path)):
        return tuple(BoundTensor(bound) for bound in loadable.inputs)


def _wanted(loadable: Loadable, bound: BoundTensor, path: Path, *, resize: bool, convert: bool) -> Wanted:
    """What images must be: pixels, or int8 as an array may have them."""
    channels, height, width = bound.shape
    pixels = True
    if bound.is_picture and channels == 4:
        channels = 3  # the runtime leaves the fourth one 0
    if not path.is_dir() and not is_picture(path) and is_array(path):
        array = ArrayFile(path, USUAL_NAMES)
        pixels = array.dtype != np.int8
        if not pixels and array.shape[-3:-2] == bound.shape[:1]:
            channels = bound.shape[0]
    bgr = pixels and channels == 3
    return Wanted(str(loadable.path), channels, (height, width), pixels, bgr, resize, convert)


def _words(bound: BoundTensor, path: Path, wanted: Wanted, images: Images) -> Iterator[str]:
    shape = " x ".join(map(str, bound.shape))
    if wanted.pixels:
        order = "in the order blue, green, red, " if wanted.bgr else ""
        fourth = "a fourth channel of 0, " if wanted.bgr and bound.shape[0] == 4 else ""
        yield f"input {bound.name} {shape} from {path}: {order}{fourth}{WHAT_PIXELS_BECOME}"
    else:
        yield f"input {bound.name} {shape} from {path}: int8, the tensor itself"
    if bound.images > 1:
        yield f"it is a batch of {bound.images}: so many images make a run, what is missing is 0"
    yield from images.notes


def _is_dimg(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def _dump(loadable: Loadable, bound: BoundTensor, path: Path) -> InputImages:
    """A dump as the tensor of an input."""
    known = read_dimg(path).tensor
    with located(str(path)):
        if not known.known.all():
            some, every = int(known.known.sum()), known.known.size
            raise BenchError(f"it holds {some:,} of {every:,} elements: fetched with another atom than the memory has")
        shape = known.values.shape
        if known.values.dtype != np.int8 or shape[1:] != bound.shape[1:] or shape[0] > bound.shape[0]:
            raise BenchError(f"{known.values.dtype} {shape}, {loadable.path} takes int8 {bound.shape}")
        tensor = with_channels(known.values.astype(np.int8), bound.shape[0])
        if bound.images > 1:
            tensor = np.pad(tensor[None], [(0, bound.images - 1), *[(0, 0)] * 3])
    shape_words = " x ".join(map(str, bound.shape))
    return OneRun((tensor,), (f"input {bound.name} {shape_words} from {path}: a dump, the tensor itself",))


def _several(loadable: Loadable, bound: tuple[BoundTensor, ...], path: Path, takes: str) -> InputImages:
    """Tensors by their names from an archive."""
    if path.suffix.lower() != ".npz":
        raise BenchError(f"{path}: {loadable.path} has several inputs; give an .npz with an int8 array each: {takes}")
    inputs = []
    for one in bound:
        named = Path(f"{path}:{one.name}")
        array = ArrayFile(named)
        shape = one.shape if one.images == 1 else (one.images, *one.shape)
        if array.dtype != np.int8 or array.shape != shape:
            raise BenchError(f"{named}: {array.dtype} {array.shape}, {loadable.path} takes int8 {shape}")
        inputs.append(array.whole().astype(np.int8))
    return OneRun(tuple(inputs), tuple(f"input {one.name} from {path}: the tensor itself" for one in bound))
