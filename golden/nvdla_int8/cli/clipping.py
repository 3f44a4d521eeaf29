"""What is said of images whose bytes clip in a network's first layer."""

from nvdla_int8.cli.printing import warn
from nvdla_int8.images.clipping import count_clipped
from nvdla_int8.images.images import Images
from nvdla_int8.network.network import Network
from nvdla_int8.stages.layer_program import LayerProgram


def warn_of_clipping(images: Images, network: Network, number: int | None = None) -> None:
    """Warn of bytes that clip in an input converter, before anything runs: of all images, or of one."""
    for layer in network.layers:
        program = layer.program
        if network.input in layer.inputs and isinstance(program, LayerProgram) and program.input_converter.enabled:
            batches = images.batches() if number is None else [images.one(number)]
            clipped = count_clipped(batches, program.input_converter)
            if clipped.bytes:
                share = f"{clipped.bytes:,} of {clipped.of:,} input bytes ({clipped.bytes / clipped.of:.0%})"
                warn(f"layer {program.name}: {share} clip in the input converter")
