"""From a graph to the kernels that a runtime launches for it: runtimes fuse, and a block alone says little of a network.

The rules are facts about each runtime, seen in its own profiles: ONNX Runtime 1.31 folds a norm into the convolution
before it, and adds and most activations into its launch; on processors its convolutions read channels in blocks of 16,
so tensors are reordered where a block meets an operator that knows no blocks. TensorRT folds alike and reorders
nothing; torch.compile fuses what works point by point; eager fuses nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from torch import nn

from splitsearch.profilers.predict.blocked import takes_blocks, with_reorders
from splitsearch.profilers.predict.describe import Operator, operators_of
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.profilers.predict.launch import Launch
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["RUNTIMES", "Sequel", "joined", "kernels_of", "launches_of", "sequel_of"]


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

    @property
    def fold_norm(self) -> bool:
        """Whether a batch norm disappears in the weights of the convolution before it."""
        return bool(self.after_convolution)


_COMMON = frozenset({"relu", "relu6", "sigmoid", "tanh", "leakyrelu", "leaky_relu", "hardsigmoid", "hardtanh"})
_SWISH = frozenset({"hardswish", "silu", "gelu"})
_RULES = {
    "eager": _Rules(),
    "onnxruntime": _Rules(
        after_convolution=_COMMON | {"hardswish"}, after_linear=_COMMON - {"relu6"}, add=True, blocked=True
    ),
    "tensorrt": _Rules(after_convolution=_COMMON | _SWISH, after_linear=_COMMON | _SWISH, pointwise=True, add=True),
    "compile": _Rules(pointwise=True),
}
RUNTIMES = tuple(_RULES)
"""Names of the runtimes whose fusion is known."""

_POINTWISE = ("elementwise",)


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


def kernels_of(graph_module: nn.Module, input_shape: tuple[int, ...], runtime: str) -> tuple[Kernel, ...]:
    """The kernels that a runtime launches for one image, in order of execution.

    Args:
        graph_module: in evaluation mode; traced unless it is a graph already.
        input_shape: without the batch dimension.
        runtime: one of `RUNTIMES`.

    Raises:
        UserError: no such runtime.
    """
    return joined((sequel_of(graph_module, input_shape, runtime),))


def sequel_of(module: nn.Module, input_shape: tuple[int, ...], runtime: str) -> Sequel:
    """The same, with the reorders at the two ends apart."""
    operators = operators_of(module, input_shape)
    launches = launches_of(operators, runtime)
    if not _RULES[runtime].blocked:
        return Sequel(kernels=tuple(launch.kernel for launch in launches))
    launches, edges = with_reorders(launches)
    return Sequel(kernels=tuple(launch.kernel for launch in launches), entry=edges.entry, leave=edges.leave)


def joined(parts: Iterable[Sequel]) -> tuple[Kernel, ...]:
    """The kernels of parts that one process runs one after another."""
    found: list[Kernel] = []
    blocked: Kernel | None = None  # the reorder that the part before would need, had it to end in plain order
    for part in parts:
        if (blocked is None) != (part.entry is None):
            found += [kernel for kernel in (blocked, part.entry) if kernel is not None]
        found += part.kernels
        blocked = part.leave if part.kernels else blocked
    return (*found, blocked) if blocked is not None else tuple(found)


def launches_of(operators: Sequence[Operator], runtime: str) -> tuple[Launch, ...]:
    """Groups operators into launches.

    Raises:
        UserError: no such runtime.
    """
    if runtime not in _RULES:
        raise UserError(f"no rules are known for the runtime '{runtime}'{nearest(runtime, RUNTIMES)}")
    rules, taken, found = _RULES[runtime], set[Operator](), []
    for operator in operators:
        if operator not in taken:
            group = _group(operator, rules)
            taken.update(group)
            found.append(_launch(group))
    return tuple(found)


def _group(first: Operator, rules: _Rules) -> list[Operator]:
    group = [first]
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
    kind, name = first.kernel.kind, following.name
    pointwise = following.kernel.kind in _POINTWISE or name == "batchnorm"
    if kind == "convolution" and rules.after_convolution:
        if name == "batchnorm":
            return "norm"
        if rules.blocked and not takes_blocks(first.kernel):
            return "activation" if name in _COMMON else None
        if name == "add" and rules.add and following.kernel.inputs == 2 * following.kernel.outputs:
            return "add"
        return "activation" if name in rules.after_convolution else None
    if kind == "linear" and name in rules.after_linear:
        return "activation"
    if first.name == "batchnorm" and rules.blocked:  # becomes a convolution of one channel each
        return "activation" if name in rules.after_convolution else None
    if rules.pointwise and (kind in _POINTWISE or first.name == "batchnorm") and pointwise:
        return "pointwise"
    return None


def _only_user(operator: Operator) -> Operator | None:
    return operator.users[0] if len(operator.users) == 1 else None


def _launch(group: Sequence[Operator]) -> Launch:
    first, last = group[0], group[-1]
    members = set(group)
    others = [op for op in group[1:] if op.name == "add" or len(op.sources) > 1]
    extra = sum(max(0, op.kernel.inputs - op.kernel.outputs) for op in others)
    return Launch(
        operators=tuple(group),
        sources=tuple(source for op in group for source in op.sources if source not in members),
        kernel=replace(
            first.kernel,
            fused=(*first.kernel.fused, *(op.name for op in group[1:])),
            macs=sum(op.kernel.macs for op in group),
            parameters=sum(op.kernel.parameters for op in group),
            inputs=first.kernel.inputs + extra,
            outputs=last.kernel.outputs,
        ),
    )
