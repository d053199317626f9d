"""ONNX Runtime's own profile as measured kernels: the only place where its fused kernels can be seen one by one.

`SessionOptions.enable_profiling` writes a Chrome trace: a list of events, of which those of the category `Node` whose
name ends in `_kernel_time` hold the microseconds of one launch and the shapes that it saw. Strides, groups and fused
activations stand in the optimised model of the same session (`optimized_model_filepath`) alone. Channels are those of
the blocks that the runtime pads to.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from splitsearch.profilers.devices.measured import MeasuredKernel
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.spaces.errors import UserError

__all__ = ["from_ort_profile"]

_SUFFIX = "_kernel_time"
_WARMUP = 2
_UNDISTURBED = 0.25
_KINDS = {
    "Conv": "convolution",
    "FusedConv": "convolution",
    "ConvTranspose": "convolution",
    "Gemm": "linear",
    "FusedGemm": "linear",
    "MatMul": "linear",
    "FusedMatMul": "linear",
    "Attention": "attention",
    "MultiHeadAttention": "attention",
    "Softmax": "softmax",
    "Concat": "concat",
    "MaxPool": "pool",
    "AveragePool": "pool",
    "GlobalAveragePool": "pool",
    "GlobalMaxPool": "pool",
    "ReduceMean": "pool",
    "BatchNormalization": "norm",
    "LayerNormalization": "norm",
    "SkipLayerNormalization": "norm",
    "GroupNorm": "norm",
    "Resize": "other",
}
_COPIES = (
    "Reorder",
    "Transpose",
    "Reshape",
    "Slice",
    "Split",
    "Pad",
    "Gather",
    "Expand",
    "Squeeze",
    "Unsqueeze",
    "Cast",
)
_NAMES = {
    "QuickGelu": "silu",
    "MaxPool": "maxpool2d",
    "AveragePool": "avgpool2d",
    "ReduceMean": "mean",
    "ReorderInput": "reorder",
    "ReorderOutput": "reorder",
    "ConvTranspose": "convtranspose2d",
    "Clip": "relu6",
    "BiasGelu": "gelu",
}


def from_ort_profile(trace: Path, model: Path | None = None, *, where: str) -> list[MeasuredKernel]:
    """Reads the kernels of a profiled session, in the order in which they ran.

    Args:
        trace: what `end_profiling` wrote.
        model: the optimised model of the same session; without it strides and groups are read off the shapes, and fused
            activations are not known.
        where: the network that ran.

    Returns:
        One entry per kernel; `ms` is the lower quartile over the runs after the first two: a disturbance only ever adds
        to a kernel, and of a quiet machine quartile and median are the same.

    Raises:
        UserError: the file is no profile of ONNX Runtime, or holds no kernel.
    """
    events = _events(trace)
    attributes = _attributes(model) if model is not None else {}
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for event in events:
        key = (str(event["args"].get("node_index", "")), str(event["name"]).removesuffix(_SUFFIX))
        found.setdefault(key, []).append(event)
    if not found:
        raise UserError(f"the profile {trace} holds no kernels: was the session run before end_profiling?")
    return [
        _measured(runs, attributes.get(name, {}), where)
        for (_, name), runs in found.items()
        if _shapes(runs[0]) != ([], [])
    ]


def _events(trace: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(trace.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{trace} is no profile of ONNX Runtime: {error}") from error
    if not isinstance(content, list):
        raise UserError(f"{trace} is no profile of ONNX Runtime: it should hold a list of events")
    return [
        event
        for event in content
        if isinstance(event, dict)
        and event.get("cat") == "Node"
        and str(event.get("name", "")).endswith(_SUFFIX)
        and isinstance(event.get("args"), dict)
        and isinstance(event.get("dur"), int | float)
    ]


def _attributes(model: Path) -> dict[str, dict[str, Any]]:
    """Node name to its attributes."""
    import onnx

    graph = onnx.load(str(model), load_external_data=False).graph
    return {
        node.name: {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute} for node in graph.node
    }


def _measured(runs: Sequence[Mapping[str, Any]], attributes: Mapping[str, Any], where: str) -> MeasuredKernel:
    kept = runs[_WARMUP:] if len(runs) > 2 * _WARMUP else runs
    ms = float(np.quantile([float(run["dur"]) for run in kept], _UNDISTURBED)) / 1e3
    kernel = _kernel(str(runs[0]["args"]["op_name"]), *_shapes(runs[0]), attributes)
    fields = {name: getattr(kernel, name) for name in Kernel.__dataclass_fields__}
    return MeasuredKernel(**fields, ms=ms, n=len(kept), where=where)


def _shapes(event: Mapping[str, Any]) -> tuple[list[list[int]], list[list[int]]]:
    """Shapes of the inputs and outputs; entries look like `{"float": [1, 64, 56, 56]}`."""
    return tuple(  # type: ignore[return-value]  # two of them
        [[int(size) for size in next(iter(entry.values()), [])] for entry in event["args"].get(key, [])]
        for key in ("input_type_shape", "output_type_shape")
    )


def _kernel(op: str, ins: list[list[int]], outs: list[list[int]], attributes: Mapping[str, Any]) -> Kernel:
    kind = _kind(op, ins)
    main, output = (ins or outs)[0], (outs or ins)[0]
    last = kind in ("linear", "matmul", "softmax", "attention") or op == "LayerNormalization"
    (before, in_size), (after, out_size) = _layout(main, last=last), _layout(output, last=last)
    weight = ins[1] if kind in ("convolution", "linear") and len(ins) > 1 else []
    groups = _groups(op, before, weight, attributes)
    window, stride = _window(kind, in_size, out_size, weight, attributes)
    tensors = [shape for place, shape in enumerate(ins) if _is_data(kind, place, shape, main)]
    inside = math.prod(weight[1:]) if kind == "convolution" else before
    return Kernel(
        kind=kind,
        fused=_fused(op, kind, tensors, attributes),
        in_channels=sum(_layout(shape, last=last)[0] for shape in tensors) if kind == "concat" else before,
        out_channels=after,
        in_size=in_size,
        out_size=out_size,
        window=window,
        stride=stride,
        groups=groups,
        macs=math.prod(output) * inside if kind in ("convolution", "linear", "matmul") else 0,
        parameters=math.prod(weight) if weight else 0,
        inputs=sum(math.prod(shape) for shape in tensors),
        outputs=math.prod(output),
    )


def _kind(op: str, ins: list[list[int]]) -> str:
    if op in ("MatMul", "FusedMatMul") and len(ins) > 1 and len(ins[1]) > 2:
        return "matmul"
    if op in _KINDS:
        return _KINDS[op]
    return "copy" if op.startswith(_COPIES) else "elementwise"


def _layout(shape: Sequence[int], *, last: bool) -> tuple[int, tuple[int, int]]:
    if len(shape) == 4 and not last:
        return shape[1], (max(1, shape[2]), max(1, shape[3]))
    channels = shape[-1] if shape else 1
    return channels, (max(1, math.prod(shape) // max(1, channels)), 1)


def _is_data(kind: str, place: int, shape: Sequence[int], main: Sequence[int]) -> bool:
    """Whether an input is a tensor of the network's flow; weights, biases and axes are not."""
    if kind in ("convolution", "linear"):
        return place == 0 or (place > 1 and len(shape) == len(main) and len(shape) > 1)
    if kind in ("norm", "pool", "other", "copy"):
        return place == 0
    return bool(shape)


def _groups(op: str, before: int, weight: Sequence[int], attributes: Mapping[str, Any]) -> int:
    if len(weight) < 4:
        return 1
    stated = int(attributes.get("group", 0))
    if weight[1] == 1 and (stated > 1 or before > 1) and op != "ConvTranspose":
        return before  # one channel each; the stated number does not know the padding of the block
    return stated or max(1, before // weight[1] if op != "ConvTranspose" else 1)


def _window(
    kind: str,
    in_size: tuple[int, int],
    out_size: tuple[int, int],
    weight: Sequence[int],
    attributes: Mapping[str, Any],
) -> tuple[tuple[int, int], int]:
    shape = attributes.get("kernel_shape") or (weight[2:] if kind == "convolution" else ())
    strides = attributes.get("strides")
    share = (max(1, in_size[0] // out_size[0]), max(1, in_size[1] // out_size[1]))
    if kind == "convolution":
        sides = tuple(int(side) for side in shape) or (1, 1)
        return (sides[0], sides[-1]), int(strides[0]) if strides else max(1, round(in_size[0] / out_size[0]))
    if kind != "pool":
        return (1, 1), 1
    if shape:
        return (int(shape[0]), int(shape[-1])), int(strides[0]) if strides else 1
    return share, share[0]


def _fused(op: str, kind: str, tensors: Sequence[Sequence[int]], attributes: Mapping[str, Any]) -> tuple[str, ...]:
    own: Iterable[str] = (_NAMES.get(op, op.lower()),) if kind not in ("convolution", "linear") else ()
    if op == "ConvTranspose":
        own = ("convtranspose2d",)
    added = ("add",) if kind == "convolution" and len(tensors) > 1 else ()
    activation = attributes.get("activation", b"")
    text = activation.decode() if isinstance(activation, bytes) else str(activation)
    return (*own, *added, *((_NAMES.get(text, text.lower()),) if text else ()))
