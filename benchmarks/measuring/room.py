"""Is there memory for a model's outputs? Asked before they are computed: a process that takes too much is killed."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks import quota
from benchmarks.protocol import Feeds, Side, UnavailableError

if TYPE_CHECKING:
    import onnx

# How often an output is in memory at once, at most. Here the reference's and the one that is held against it; in the
# process of a session the last one while the next is computed, and in its partner's. A page's is also in its runtime,
# and on its way in the browser.
COPIES: Mapping[Side, int] = {"server": 6, "client": 9, "remote": 6}
IN_PAGE = 2**31 - 1  # bytes of an array in a page, which every output is


def check_room(model: Path, feeds: Feeds, side: Side) -> None:
    """Raise UnavailableError where the outputs of *model* for *feeds*, as far as they can be foreseen, do not fit."""
    sizes = output_bytes(model, feeds)
    largest, size = max(sizes, key=lambda name: sizes[name], default=""), sum(sizes.values())
    if side == "client" and largest and sizes[largest] > IN_PAGE:
        raise UnavailableError(
            f"{model.name}: {largest} takes {sizes[largest] / 1e9:.1f} GB, and an array in a page no more than "
            f"{IN_PAGE / 1e9:.1f} GB; take a smaller --batch-size or --dim, or measure it on server-cpu"
        )
    if size * COPIES[side] > (free := available()):
        raise UnavailableError(
            f"{model.name}: its outputs take {size / 1e9:.1f} GB, of which {COPIES[side]} copies are needed at once, "
            f"and {free / 1e9:.1f} GB of memory are free; take a smaller --batch-size or --dim, or a machine with more"
        )


def available() -> int:
    """Return the bytes of memory that can be had, by the system and by the control groups of this process."""
    free: int = psutil.virtual_memory().available
    allowed = quota.free_memory()
    return free if allowed is None else min(free, allowed)


def output_bytes(model: Path, feeds: Feeds) -> dict[str, int]:
    """Return the bytes of each output whose lengths follow from the graph and its inputs'; 0 of the others."""
    import onnx

    from models import graph

    read = graph.without_weights(graph.read(model))
    declared = {value.name: _bytes(value) for value in read.graph.output}
    read = graph.with_shapes(read, {name: value.shape for name, value in feeds.items()})
    for value in read.graph.output:  # what the graph says of them may have been written down for another length
        value.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(read, data_prop=True).graph.output
    except Exception:  # it is a forecast: what is wrong with the graph is told by onnx.checker and the runtimes
        inferred = []
    return declared | {value.name: size for value in inferred if (size := _bytes(value))}


def _bytes(value: "onnx.ValueInfoProto") -> int:
    """Return the bytes of an output; 0 where a length is not known."""
    import onnx

    tensor = value.type.tensor_type
    if not tensor.HasField("shape") or not all(dim.HasField("dim_value") for dim in tensor.shape.dim):
        return 0
    try:
        width = int(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize)
    except KeyError:
        return 0
    return width * math.prod(int(dim.dim_value) for dim in tensor.shape.dim)
