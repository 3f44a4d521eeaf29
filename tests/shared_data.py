"""Where the data lies that is not this project's own: NVIDIA's traces, compiled networks, a real calibration.

The environment variable ``NVDLA_SHARED`` names the folder; without it, it is ``../shared`` beside the repository.
"""

import os
from pathlib import Path

import pytest

VARIABLE = "NVDLA_SHARED"
SHARED = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / "shared").resolve()
NVIDIA = SHARED / "traces" / "nv_small"
REFERENCE = SHARED / "reference"
CALIBRATION = SHARED / "calibration"
LOADABLES = SHARED / "loadables"
NETWORKS = SHARED / "networks"


def needs_shared(path: Path) -> pytest.MarkDecorator:
    """Skip a test where a file or folder of the shared data is not there."""
    return pytest.mark.skipif(not path.exists(), reason=f"{path} is not here; {VARIABLE} says where to look")


needs_nvidia_traces = needs_shared(NVIDIA)
