"""Networks for old runtimes: the Jetsons that end at JetPack 4 read operator set 13, the exporter writes 18 and newer.

Most operators of convolutional networks mean the same in both, as far as 32-bit floats go, and only their version has
changed; a few are written in another way. What an old set has no word for is refused by name. Versions are those of the
operator changelog of ONNX.
"""

from collections.abc import Callable
from typing import Any

from splitsearch.spaces.errors import UserError

__all__ = ["OLDEST", "OPSET", "lower"]

OPSET = 18
"""Operator set that is exported; every runtime of the last years reads it."""

OLDEST = 13
_IR_VERSIONS = {13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8}

# Operator to the oldest set, from 13 on, in which it means the same for 32-bit floats.
_SAME_SINCE = dict.fromkeys(
    (
        *("Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant", "Conv", "ConvTranspose"),
        *("Div", "Erf", "Exp", "Expand", "Flatten", "Gather", "Gemm", "GlobalAveragePool", "HardSigmoid", "Identity"),
        *("Greater", "LeakyRelu", "Log", "MatMul", "MaxPool", "Mul", "Neg", "Pad", "Pow", "Reciprocal", "Relu"),
        *("Reshape", "Resize", "Round", "Shape", "Sigmoid", "Slice", "Softmax", "Sqrt", "Squeeze", "Sub", "Tanh"),
        *("TopK", "Transpose", "Unsqueeze", "Where"),
    ),
    13,
) | {"LayerNormalization": 17}

_LATER_ATTRIBUTES = {
    "AveragePool": ("dilations",),
    "BatchNormalization": ("training_mode",),
    "Resize": ("antialias", "keep_aspect_ratio_policy", "axes"),
    "Shape": ("start", "end"),
}
"""Attributes that an old set does not know; they stand at the value that it implies, or the network is refused."""

_IMPLIED: tuple[Any, ...] = (0, [], b"stretch", [1, 1])


def lower(model: Any, opset: int) -> None:
    """Rewrites a model of operator set 18 for an older one, in place.

    Args:
        model: an ONNX model, with or without the values of its weights.
        opset: 13 to 18.

    Raises:
        UserError: the old set cannot express an operator; the line names it.
    """
    if not OLDEST <= opset <= OPSET:
        raise UserError(f"--opset must be from {OLDEST} to {OPSET}, not {opset}")
    if opset < OPSET:
        nodes = [written for node in model.graph.node for written in _written(node, model.graph, opset)]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
    del model.opset_import[1:]
    model.opset_import[0].domain, model.opset_import[0].version = "", opset
    model.ir_version = _IR_VERSIONS[opset]


def _written(node: Any, graph: Any, opset: int) -> list[Any]:
    rewrite = _REWRITES.get(node.op_type)
    if rewrite is not None:
        return rewrite(node, graph)
    if _SAME_SINCE.get(node.op_type, OPSET) > opset:
        raise UserError(
            f"operator set {opset} has no {node.op_type} as the node '{node.name}' uses it: take --opset "
            f"{_SAME_SINCE.get(node.op_type, OPSET)} on a device that reads that"
        )
    for name in _LATER_ATTRIBUTES.get(node.op_type, ()):
        _drop(node, name)
    return [node]


def _drop(node: Any, name: str) -> None:
    from onnx import helper

    for attribute in list(node.attribute):
        if attribute.name == name:
            value = helper.get_attribute_value(attribute)
            if (list(value) if isinstance(value, (list, tuple)) else value) not in _IMPLIED:
                raise UserError(
                    f"an operator set before {OPSET} has no {name} = {value} of {node.op_type} as the node "
                    f"'{node.name}' uses it: leave --opset out"
                )
            node.attribute.remove(attribute)


def _reduce(node: Any, graph: Any) -> list[Any]:
    """Up to set 17 the axes of a reduction are an attribute."""
    from onnx import helper, numpy_helper

    if len(node.input) > 1:
        axes = next((tensor for tensor in graph.initializer if tensor.name == node.input[1]), None)
        if axes is None:
            raise UserError(
                f"an operator set before {OPSET} needs the axes of the {node.op_type} '{node.name}' as constants: "
                "leave --opset out"
            )
        node.attribute.append(helper.make_attribute("axes", numpy_helper.to_array(axes).tolist()))
        del node.input[1:]
    _drop(node, "noop_with_empty_axes")
    return [node]


def _reshape(node: Any, graph: Any) -> list[Any]:
    """Up to set 13 a zero in the new shape keeps a dimension; where there is no zero, that makes no difference."""
    from onnx import numpy_helper

    shape = next((tensor for tensor in graph.initializer if tensor.name == node.input[1]), None)
    if shape is not None and 0 not in numpy_helper.to_array(shape):
        for attribute in [attribute for attribute in node.attribute if attribute.name == "allowzero"]:
            node.attribute.remove(attribute)
    _drop(node, "allowzero")
    return [node]


def _hard_swish(node: Any, graph: Any) -> list[Any]:
    """By its definition: x times HardSigmoid of x, with a slope of a sixth."""
    from onnx import helper

    gate = f"{node.output[0]} gate"
    return [
        helper.make_node("HardSigmoid", [node.input[0]], [gate], alpha=1 / 6, beta=0.5),
        helper.make_node("Mul", [node.input[0], gate], [node.output[0]]),
    ]


def _split(node: Any, graph: Any) -> list[Any]:
    """Up to set 17 the number of equal parts is that of the outputs."""
    for attribute in list(node.attribute):
        if attribute.name == "num_outputs":
            node.attribute.remove(attribute)
    return [node]


_REWRITES: dict[str, Callable[[Any, Any], list[Any]]] = {
    "ReduceMean": _reduce,
    "ReduceMax": _reduce,
    "ReduceMin": _reduce,
    "Reshape": _reshape,
    "HardSwish": _hard_swish,
    "Split": _split,
}
