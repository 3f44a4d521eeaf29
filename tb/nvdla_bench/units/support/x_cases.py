"""Random X1 and X2 stages for the unit benches, and the values of their configuration ports."""

from typing import NamedTuple

import numpy as np

from nvdla_bench.units.support.stimulus import weighted
from nvdla_int8.stages.sdp import AluAlgo, Source, XStage
from nvdla_int8.stages.widths import ALU_OPERAND, ALU_SHIFT, MUL_OPERAND, MUL_SHIFT_FIELD

ALGORITHM_CODES = {AluAlgo.MAX: (0,), AluAlgo.MIN: (1,), AluAlgo.SUM: (2, 3)}


class XCase(NamedTuple):
    """A stage and the field value of its ALU algorithm (two of them mean SUM)."""

    stage: XStage
    algorithm_code: int

    def ports(self) -> dict[str, int]:
        """Values of the configuration ports that lane and stage share."""
        return {
            "bypass": self.stage.bypass,
            "alu_bypass": self.stage.alu_bypass,
            "alu_algo": self.algorithm_code,
            "alu_shift": self.stage.alu_shift_bits,
            "mul_bypass": self.stage.mul_bypass,
            "mul_prelu": self.stage.prelu,
            "mul_shift": self.stage.mul_shift_bits,
            "relu_bypass": not self.stage.relu,
        }


def random_x_case(random: np.random.Generator) -> XCase:
    """A random stage, mostly with everything in use and with shifts that leave something over."""
    algorithm = list(AluAlgo)[random.integers(3)]
    mul_shift_bits = int(random.integers((24, 1 << MUL_SHIFT_FIELD)[random.integers(2)]))
    stage = XStage(
        bypass=bool(random.random() < 0.05),
        alu_bypass=bool(random.random() < 0.25),
        alu_algo=algorithm,
        alu_source=list(Source)[random.integers(2)],
        alu_value=int(weighted(random, ALU_OPERAND, 1)[0]),
        alu_shift_bits=int(random.integers((1, 18, 1 << ALU_SHIFT)[random.integers(3)])),
        mul_bypass=bool(random.random() < 0.25),
        mul_source=list(Source)[random.integers(2)],
        mul_value=int(weighted(random, MUL_OPERAND, 1)[0]),
        mul_shift_bits=mul_shift_bits,
        prelu=bool(random.random() < 0.3),
        relu=bool(random.random() < 0.3),
    )
    return XCase(stage, int(random.choice(ALGORITHM_CODES[algorithm])))
