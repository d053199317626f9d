"""TensorRT's profile as measured kernels, from the two files that trtexec writes on a Jetson or a server.

    trtexec --loadEngine=… --exportProfile=profile.json --exportLayerInfo=layers.json --profilingVerbosity=detailed

The profile holds milliseconds by layer, under names that tell what was fused (`conv1 + relu1`); the layer information
holds shapes, windows, strides and groups under the same names. Without it, names are all there is, and a model of
milliseconds cannot be fitted to names: such kernels keep their kind alone.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from splitsearch.profilers.devices.measured import MeasuredKernel
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.spaces.errors import UserError

__all__ = ["from_trtexec"]

# Parts of a layer's parameter type, else of its own type, else of its name; the first that fits decides.
_KINDS = (
    ("deconv", "convolution"),
    ("conv", "convolution"),
    ("reformat", "copy"),
    ("shuffle", "copy"),
    ("copy", "copy"),
    ("fullyconnected", "linear"),
    ("gemm", "linear"),
    ("matmul", "matmul"),
    ("matrixmultiply", "matmul"),
    ("attention", "attention"),
    ("pool", "pool"),
    ("reduce", "pool"),
    ("softmax", "softmax"),
    ("concat", "concat"),
    ("norm", "norm"),
    ("resize", "other"),
    ("pointwise", "elementwise"),
    ("pwn", "elementwise"),
    ("elementwise", "elementwise"),
    ("activation", "elementwise"),
    ("scale", "elementwise"),
)


def from_trtexec(profile: Path, layers: Path | None = None, *, where: str) -> list[MeasuredKernel]:
    """Reads the layers that took time, in the order in which they ran.

    Args:
        profile: of `--exportProfile`.
        layers: of `--exportLayerInfo` with detailed verbosity; None if it was not kept.
        where: the network that ran.

    Returns:
        One entry per layer; `ms` is the median where this TensorRT writes it, else the mean. Layers of no time, which
        TensorRT elides at run time, are left out.

    Raises:
        UserError: a file is not what trtexec writes, or holds no layers.
    """
    entries = _list(profile)
    count = next((int(entry["count"]) for entry in entries if "count" in entry), 1)
    described = _layers(layers) if layers is not None else {}
    kernels = []
    for entry in entries:
        if "name" not in entry:
            continue
        ms = entry.get("medianMs", entry.get("averageMs"))
        if not isinstance(ms, int | float) or not math.isfinite(ms) or ms < 0:
            raise UserError(f"{profile}: the layer '{entry['name']}' has no milliseconds, but medianMs = {ms!r}")
        if ms > 0:
            kernel = _kernel(str(entry["name"]), described.get(str(entry["name"]), {}))
            fields = {name: getattr(kernel, name) for name in Kernel.__dataclass_fields__}
            kernels.append(MeasuredKernel(**fields, ms=float(ms), n=max(1, count), where=where))
    if not kernels:
        raise UserError(f"{profile} holds no layers that took time")
    return kernels


def _list(path: Path) -> list[dict[str, Any]]:
    content = _json(path)
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise UserError(f"{path} is no profile of trtexec: it should hold a list of layers")
    return content


def _layers(path: Path) -> dict[str, Mapping[str, Any]]:
    content = _json(path)
    found = content.get("Layers") if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise UserError(f"{path} is no layer information of trtexec: it should hold a list under 'Layers'")
    # Without detailed verbosity the list holds names alone.
    return {str(layer["Name"]): layer for layer in found if isinstance(layer, dict) and "Name" in layer}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} cannot be read as JSON: {error}") from error


def _kernel(name: str, layer: Mapping[str, Any]) -> Kernel:
    kind = _kind(name, layer)
    inputs, outputs = _tensors(layer, "Inputs"), _tensors(layer, "Outputs")
    if not inputs or not outputs:
        return Kernel(kind=kind, fused=_fused(layer))
    main, output = inputs[0], outputs[0]
    last = kind in ("matmul", "softmax", "attention")
    (before, in_size), (after, out_size) = _layout(main, last=last), _layout(output, last=last)
    window, stride = _pair(layer.get("Kernel", layer.get("WindowSize"))), _pair(layer.get("Stride"))[0]
    groups = int(layer.get("Groups", 1) or 1)
    weights = int((layer.get("Weights") or {}).get("Count", 0))
    bias = int((layer.get("Bias") or {}).get("Count", 0))
    if kind == "pool" and "WindowSize" not in layer and "Kernel" not in layer:
        window = (max(1, in_size[0] // out_size[0]), max(1, in_size[1] // out_size[1]))
        stride = window[0]
    return Kernel(
        kind=kind,
        fused=_fused(layer),
        in_channels=sum(_layout(shape, last=last)[0] for shape in inputs) if kind == "concat" else before,
        out_channels=after,
        in_size=in_size,
        out_size=out_size,
        window=window,
        stride=stride,
        groups=groups,
        macs=_macs(kind, before, weights, groups, output, window),
        parameters=weights + bias,
        inputs=sum(math.prod(shape) for shape in inputs),
        outputs=sum(math.prod(shape) for shape in outputs),
    )


def _macs(  # what multiply-adds are counted from
    kind: str, before: int, weights: int, groups: int, output: Sequence[int], window: tuple[int, int]
) -> int:
    if kind == "convolution":
        return math.prod(output) * (before // groups) * window[0] * window[1]
    if kind == "linear":
        return max(weights, math.prod(output) * before)
    return 0


def _kind(name: str, layer: Mapping[str, Any]) -> str:
    for text in (layer.get("ParameterType"), layer.get("LayerType"), name):
        lower = str(text or "").lower()
        found = next((kind for part, kind in _KINDS if part in lower), None)
        if found is not None:
            return found
    return "other"


def _tensors(layer: Mapping[str, Any], key: str) -> list[list[int]]:
    found = layer.get(key)
    shapes = [entry.get("Dimensions") for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    # Sizes that depend on the run are written as -1: of one image, they are 1.
    return [[max(1, int(size)) for size in shape] for shape in shapes if shape]


def _layout(shape: Sequence[int], *, last: bool) -> tuple[int, tuple[int, int]]:
    if len(shape) == 4 and not last:
        return shape[1], (shape[2], shape[3])
    return shape[-1], (max(1, math.prod(shape[:-1])), 1)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, list) and value:
        return max(1, int(value[0])), max(1, int(value[-1]))
    return 1, 1


def _fused(layer: Mapping[str, Any]) -> tuple[str, ...]:
    activation = str(layer.get("Activation", "NONE")).lower()
    added = ("add",) if len(_tensors(layer, "Inputs")) > 1 and str(layer.get("ParameterType")) == "Convolution" else ()
    return (*added, *(() if activation in ("none", "") else (activation,)))
