"""From a graph to the kernels that a runtime launches: runtimes fuse, and a block alone says little of a network.

The rules are facts about each runtime, seen in its own profiles: ONNX Runtime 1.31 folds a norm into the convolution
before it, and adds and most activations into its launch; on processors its convolutions read channels in blocks of 16,
so tensors are reordered where a block meets an operator that knows no blocks. TensorRT folds alike and reorders
nothing; torch.compile fuses what works point by point; eager fuses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from torch import nn

from splitsearch.profilers.predict.blocked import takes_blocks, with_reorders
from splitsearch.profilers.predict.describe import Operator, operators_of, without
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.profilers.predict.launch import Launch
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["RUNTIMES", "Sequel", "fusion_of", "joined", "kernels_of", "launches_of", "sequel_of", "vanishing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What a runtime puts into one launch.

    Attributes:
        after_convolution: activations that a convolution absorbs.
        after_linear: those that a matrix product absorbs.
        pointwise: whether a run of operators that work point by point becomes one kernel.
        add: whether a convolution adds a second tensor of the shape of its result.
        blocked: whether convolutions read channels in blocks.
    """

    after_convolution: frozenset[str] = frozenset()
    after_linear: frozenset[str] = frozenset()
    pointwise: bool = False
    add: bool = False
    blocked: bool = False


_COMMON = frozenset({"relu", "relu6", "sigmoid", "tanh", "leakyrelu", "leaky_relu", "hardsigmoid", "hardtanh"})
_SWISH = frozenset({"hardswish", "silu", "gelu"})
_RULES = {
    "eager": _Rules(),
    "onnxruntime": _Rules(
        after_convolution=_COMMON | {"hardswish"}, after_linear=_COMMON - {"relu6"}, add=True, blocked=True
    ),
    "onnxruntime-plain": _Rules(after_convolution=_COMMON, after_linear=_COMMON - {"relu6"}, add=True),
    "tensorrt": _Rules(after_convolution=_COMMON | _SWISH, after_linear=_COMMON | _SWISH, pointwise=True, add=True),
    "compile": _Rules(pointwise=True),
}
RUNTIMES = tuple(_RULES)
"""Names of the runtimes whose fusion is known; `onnxruntime-plain` is its accelerators, which know no blocks."""

_POINTWISE = ("elementwise",)
_PADS = ("zeropad2d", "constantpad2d", "pad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequel:
    """The kernels of one part, apart from the reorders that vanish where a part of the same process adjoins.

    Attributes:
        kernels: in order of execution, without those at the two ends.
        entry: the reorder that the part needs if its input comes in plain order.
        leave: the one that it needs if its output must go out in plain order.
    """

    kernels: tuple[Kernel, ...]
    entry: Kernel | None = None
    leave: Kernel | None = None


def fusion_of(runtime: str, provider: str) -> str:
    """Whose rules hold where a runtime hands its work to a provider.

    Args:
        runtime: `eager`, `compile`, `onnxruntime` or `tensorrt`.
        provider: ONNX Runtime's execution provider; of the others it does not matter.
    """
    if runtime != "onnxruntime":
        return runtime
    if provider.startswith("Tensorrt"):
        return "tensorrt"
    return "onnxruntime" if provider.startswith("CPU") else "onnxruntime-plain"


def kernels_of(graph_module: nn.Module, input_shape: tuple[int, ...], runtime: str) -> tuple[Kernel, ...]:
    """The kernels that a runtime launches for one image, in order of execution.

    Args:
        graph_module: in evaluation mode; traced unless it is a graph already.
        input_shape: without the batch dimension.
        runtime: one of `RUNTIMES`.

    Raises:
        UserError: no such runtime.
    """
    return joined((sequel_of(operators_of(graph_module, input_shape), runtime),))


def sequel_of(operators: Sequence[Operator], runtime: str) -> Sequel:
    """The same of operators that are described already, with the reorders at the two ends apart."""
    launches = launches_of(operators, runtime)
    if not _RULES[runtime].blocked:
        return Sequel(kernels=tuple(launch.kernel for launch in launches))
    launches, edges = with_reorders(launches)
    return Sequel(kernels=tuple(launch.kernel for launch in launches), entry=edges.entry, leave=edges.leave)


def joined(parts: Sequence[Sequel]) -> tuple[Kernel, ...]:
    """The kernels of parts that one process runs one after another: a reorder and its way back vanish between them."""
    saved = [vanishing(before, after) for before, after in pairwise(parts)]
    found: list[Kernel] = []
    for part, before, after in zip(parts, (False, *saved), (*saved, False), strict=bool(parts)):
        entry, leave = (() if before else (part.entry,)), (() if after else (part.leave,))
        found += [kernel for kernel in (*entry, *part.kernels, *leave) if kernel is not None]
    return tuple(found)


def vanishing(before: Sequel, after: Sequel) -> bool:
    """Whether one part leaves its result in the order in which the next reads it."""
    return before.leave is not None and after.entry is not None


def launches_of(operators: Sequence[Operator], runtime: str) -> tuple[Launch, ...]:
    """Groups operators into launches.

    Raises:
        UserError: no such runtime.
    """
    if runtime not in _RULES:
        raise UserError(f"no rules are known for the runtime '{runtime}'{nearest(runtime, RUNTIMES)}")
    rules, taken, found = _RULES[runtime], set[Operator](), []
    if rules.add:  # who compiles a graph leaves out what joins a single tensor
        operators = without(operators, {op for op in operators if op.kernel.kind == "concat" and len(op.sources) == 1})
    for operator in operators:
        if operator not in taken:
            group = _group(operator, rules)
            taken.update(group)
            found.append(_launch(group))
    return tuple(found)


def _group(first: Operator, rules: _Rules) -> list[Operator]:
    group = [first]
    padded = _only_user(first)
    if first.name in _PADS and rules.add and padded is not None and padded.kernel.kind == "convolution":
        first = padded  # the convolution pads for itself
        group.append(first)
    absorbed: set[str] = set()
    while (following := _only_user(group[-1])) is not None:
        role = _role(first, following, rules)
        # A norm comes before an add, an add before the activation, and each once.
        if role is None or (role != "pointwise" and {role, *_AFTER[role]} & absorbed):
            break
        absorbed.add(role)
        group.append(following)
    return group


_AFTER = {"norm": ("add", "activation"), "add": ("activation",), "activation": ()}


def _role(first: Operator, following: Operator, rules: _Rules) -> str | None:
    """As what a launch absorbs the operator that follows; None if it does not."""
    if first.kernel.kind == "convolution":
        return _role_after_convolution(first, following, rules)
    name = following.name
    absorbed: frozenset[str] = frozenset()
    if first.kernel.kind == "linear":
        absorbed = rules.after_linear
    elif first.name == "batchnorm" and rules.blocked:  # becomes a convolution of one channel each
        absorbed = rules.after_convolution
    if name in absorbed:
        return "activation"
    return "pointwise" if rules.pointwise and _is_pointwise(first) and _is_pointwise(following) else None


def _role_after_convolution(first: Operator, following: Operator, rules: _Rules) -> str | None:
    name = following.name
    if not rules.after_convolution:
        return None
    if name == "batchnorm":
        return "norm"
    if rules.blocked and not takes_blocks(first.kernel):
        return "activation" if name in _COMMON else None
    if name == "add" and rules.add and following.kernel.inputs == 2 * following.kernel.outputs:
        return "add"
    return "activation" if name in rules.after_convolution else None


def _is_pointwise(operator: Operator) -> bool:
    return operator.kernel.kind in _POINTWISE or operator.name == "batchnorm"


def _only_user(operator: Operator) -> Operator | None:
    return operator.users[0] if len(operator.users) == 1 else None


def _launch(group: Sequence[Operator]) -> Launch:
    members = set(group)
    launch = Launch(
        kernel=group[0].kernel,
        operators=tuple(group),
        sources=tuple(source for op in group for source in op.sources if source not in members),
    )
    main = launch.main
    after = [op for op in group if op is not main and op.name not in _PADS]
    others = [op for op in after if op.name == "add" or len(op.sources) > 1]
    kernel = replace(
        main.kernel,
        fused=(*main.kernel.fused, *(op.name for op in after)),
        macs=sum(op.kernel.macs for op in group),
        parameters=sum(op.kernel.parameters for op in group),
        inputs=main.kernel.inputs + sum(max(0, op.kernel.inputs - op.kernel.outputs) for op in others),
        outputs=launch.last.kernel.outputs,
    )
    return replace(launch, kernel=kernel)
