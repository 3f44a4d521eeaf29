"""The CBUF in words: banks, what a convolution finds there and what it fetches (hardware.md 4, reuse.md section 1)."""

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Fetch, FetchedBytes


def cbuf_in_words(layer: ConvolutionLayer, registers: LayerRegisters, build: Build, fetch: Fetch | None) -> str:
    """Banks and what they hold; for a layer that ran also what it fetches, and what it takes over."""
    data, weight = (registers.size(f"CDMA.D_BANK.{which}_BANK") for which in ("DATA", "WEIGHT"))
    used = registers.size("CDMA.D_ENTRY_PER_SLICE.ENTRIES") * layer.height
    holds = data * build.cbuf_bank_entries
    room = weight * build.cbuf_bank_bytes
    banks = (
        f"CBUF banks: {data} of {build.cbuf_banks} for input ({used:,} of {holds:,} entries), "
        f"{weight} for weights ({layer.weight_bytes:,} bytes, room for {room:,})"
    )
    if fetch is None:
        return banks
    kept = [f"{fetch.kept_rows} of {layer.height} input rows"] if fetch.kept_rows else []
    kept += [] if fetch.weights else ["the weights"]
    there = f"; {' and '.join(kept)} lie there already" if kept else ""
    return f"{banks}{there}; {describe_fetched(layer.fetched_bytes(fetch))}"


def describe_fetched(fetched: FetchedBytes) -> str:
    """``fetches 96 bytes of input (of 384) and 144 of weights``; the bytes in brackets are those without reuse."""
    data = _with_saving(f"{fetched.data:,} bytes of input", fetched.data, fetched.kept_data)
    weights = _with_saving(f"{fetched.weights:,} of weights", fetched.weights, fetched.kept_weights)
    return f"fetches {data} and {weights}"


def _with_saving(what: str, size_bytes: int, kept_bytes: int) -> str:
    return f"{what} ({size_bytes + kept_bytes:,} without reuse of the CBUF)" if kept_bytes else what
