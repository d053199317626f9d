"""Every operator of a graph as a kernel of its own: what an unfused runtime launches, and what others fuse.

Shapes come from one image on the meta device, counts from `counting.operators`; views and bookkeeping launch nothing
and are followed through.
"""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import fx, nn

from splitsearch.profilers.counting.operators import CostInterpreter, as_graph
from splitsearch.profilers.predict.kernel import Kernel

__all__ = ["Operator", "beside", "operators_of", "stretch_of", "without"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)
_NORMS = (nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.InstanceNorm2d)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_ADAPTIVE = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_MODULES: tuple[tuple[Any, str], ...] = (
    (_CONVOLUTIONS, "convolution"),
    (nn.Linear, "linear"),
    (_NORMS, "norm"),
    (_POOLS, "pool"),
    (nn.MultiheadAttention, "attention"),
    (nn.Softmax, "softmax"),
    ((nn.ZeroPad2d, nn.ConstantPad2d), "copy"),
    (nn.Upsample, "other"),
)
# Functions and methods by a part of their name; the first that fits decides.
_NAMES: tuple[tuple[str, str], ...] = (
    ("attention", "attention"),
    ("conv", "convolution"),
    ("linear", "linear"),
    ("matmul", "matmul"),
    ("einsum", "matmul"),
    ("bmm", "matmul"),
    ("softmax", "softmax"),
    ("norm", "norm"),
    ("pool", "pool"),
    ("mean", "pool"),
    ("cat", "concat"),
    ("stack", "concat"),
    ("pad", "copy"),
    ("roll", "copy"),
    ("clone", "copy"),
    ("interpolate", "other"),
    ("bias", "other"),
)
# In evaluation mode the image passes through unchanged, without a kernel.
_NOTHING = ("stochastic_depth", "dropout")
_LAST_CHANNELS = ("linear", "matmul", "softmax", "attention")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operator:
    """One operator of a graph.

    Attributes:
        node: its name in the graph.
        name: what it does, in one word: `relu`, `add`, `batchnorm`, `conv`.
        kernel: as if it were launched alone.
        sources: operators whose results it reads, views passed through; None is the graph's input or a constant.
        users: how many operators read its result; the graph's output counts.
    """

    node: str
    name: str
    kernel: Kernel
    sources: tuple["Operator | None", ...]
    users: list["Operator | None"] = field(default_factory=list)


def operators_of(module: nn.Module, input_shape: tuple[int, ...]) -> tuple[Operator, ...]:
    """The operators that launch something, in order of execution, for one image.

    Args:
        module: in evaluation mode; traced unless it is a graph already.
        input_shape: without the batch dimension.
    """
    describer = _Describer(as_graph(module))
    with torch.no_grad():
        describer.run(torch.empty(1, *input_shape, device="meta"))
    return tuple(describer.operators)


def stretch_of(operators: Sequence[Operator], nodes: Set[str]) -> tuple[Operator, ...]:
    """The operators of some nodes of a graph, as if nothing stood before and after them."""
    return _rebuilt([operator for operator in operators if operator.node in nodes], {})


def beside(lanes: Sequence[Sequence[Operator]], joins: Sequence[Kernel]) -> tuple[Operator, ...]:
    """Stretches side by side on slices of one input, and what makes one tensor of their results.

    Args:
        lanes: each with one result.
        joins: one launch that reads all results; or several, each of which reads the first two that are there and puts
            its own in their place, as a sum does, and what follows on it.
    """
    copies = [_rebuilt(lane, {}) for lane in lanes]
    there = [next(operator for operator in copy if None in operator.users) for copy in copies]
    ends: list[Operator] = []
    for place, kernel in enumerate(joins):
        sources = there if len(joins) == 1 else there[:2]
        joined = Operator(node=f"join{place}", name=kernel.fused[0], kernel=kernel, sources=tuple(sources))
        for source in sources:
            source.users[:] = [joined]
        there = [joined, *there[len(sources) :]]
        ends.append(joined)
    ends[-1].users.append(None)
    return (*(operator for copy in copies for operator in copy), *ends)


def without(operators: Sequence[Operator], needless: Set[Operator]) -> tuple[Operator, ...]:
    """The operators but for some that pass their first source on unchanged: whoever read them reads that."""
    passed: dict[Operator, Operator | None] = {}
    for operator in operators:
        if operator in needless:
            source = operator.sources[0]
            passed[operator] = passed.get(source, source) if source is not None else None
    return _rebuilt([operator for operator in operators if operator not in needless], passed)


def _rebuilt(kept: Sequence[Operator], instead: Mapping[Operator, Operator | None]) -> tuple[Operator, ...]:
    """Copies of operators that read and are read by one another alone; whom others read, the output reads."""
    made: dict[Operator, Operator] = {}

    def copy_of(source: Operator | None) -> Operator | None:
        found = instead.get(source, source) if source is not None else None
        return made.get(found) if found is not None else None

    for operator in kept:
        sources = tuple(copy_of(source) for source in operator.sources)
        made[operator] = copied = replace(operator, sources=sources, users=[])
        for source in sources:
            if source is not None:
                source.users.append(copied)
    for operator in (*kept, *instead):
        target = made.get(operator) or copy_of(operator)
        outside = sum(user is None or (user not in made and user not in instead) for user in operator.users)
        if target is not None:
            target.users.extend([None] * outside)
    return tuple(made.values())


class _Describer(CostInterpreter):
    """Runs one image; describes each node that launches a kernel and remembers who reads whom."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.operators: list[Operator] = []
        self._made: dict[fx.Node, Operator | None] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        sources = tuple(self._made.get(source) for source in n.all_input_nodes)
        name = self._name(n)
        if n.op == "output":
            for source in sources:
                if source is not None:
                    source.users.append(None)
        elif n.name not in self.costs or name in _NOTHING:
            # A view of one tensor, or arithmetic on sizes: whoever reads it reads what it was made of.
            self._made[n] = next((source for source in sources if source is not None), None)
        else:
            self._made[n] = self._operator(n, name, sources, result)
        return result

    def _operator(self, node: fx.Node, name: str, sources: tuple[Operator | None, ...], result: Any) -> Operator:
        module = self.fetch_attr(str(node.target)) if node.op == "call_module" else None
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        made = Operator(
            node=node.name,
            name=name,
            sources=sources,
            kernel=_kernel(name, module, args, kwargs, result, self.costs[node.name]),
        )
        self.operators.append(made)
        for source in sources:
            if source is not None:
                source.users.append(made)
        return made

    def _name(self, node: fx.Node) -> str:
        if node.op == "call_module":
            name = type(self.fetch_attr(str(node.target))).__name__.lower()
            return {"batchnorm2d": "batchnorm", "conv2d": "conv"}.get(name, name)
        name = str(node.target if isinstance(node.target, str) else getattr(node.target, "__name__", node.name))
        return {"iadd": "add", "imul": "mul", "conv2d": "conv", "truediv": "div"}.get(name.strip("_"), name.strip("_"))


def _kernel(name: str, module: nn.Module | None, args: Any, kwargs: Any, result: Any, cost: Any) -> Kernel:
    output = result[0] if isinstance(result, tuple) else result
    tensors = [value for value in _flat((*args, *kwargs.values())) if not isinstance(value, nn.Parameter)]
    main = tensors[0] if tensors else output
    kind = _kind(name, module)
    last = kind in _LAST_CHANNELS or name in ("layernorm", "layer_norm")
    (before, in_size), (after, out_size) = (_layout(tensor.shape, last=last) for tensor in (main, output))
    window, stride, groups = _geometry(kind, module, args, kwargs, in_size, out_size)
    return Kernel(
        kind=kind,
        fused=() if name in ("conv", "linear") else (name,),
        in_channels=sum(_layout(t.shape, last=last)[0] for t in tensors) if kind == "concat" else before,
        out_channels=after,
        in_size=in_size,
        out_size=out_size,
        window=window,
        stride=stride,
        groups=groups,
        macs=cost.macs,
        parameters=cost.parameters,
        inputs=sum(tensor.numel() for tensor in tensors),
        outputs=output.numel(),
    )


def _flat(values: Iterable[Any]) -> Iterable[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _flat(value)


def _kind(name: str, module: nn.Module | None) -> str:
    for types, kind in _MODULES:
        if isinstance(module, types):
            return kind
    return next((kind for part, kind in _NAMES if part in name), "elementwise")


def _layout(shape: Iterable[int], *, last: bool) -> tuple[int, tuple[int, int]]:
    """Channels and the two sides of a map; what is no map of channels first is a list of positions."""
    sizes = tuple(shape)
    if len(sizes) == 4 and not last:
        return sizes[1], (sizes[2], sizes[3])
    channels = sizes[-1] if sizes else 1
    return channels, (max(1, math.prod(sizes) // max(1, channels)), 1)


def _geometry(  # what a window is described by
    kind: str, module: nn.Module | None, args: Any, kwargs: Any, in_size: tuple[int, int], out_size: tuple[int, int]
) -> tuple[tuple[int, int], int, int]:
    """Window, stride and groups."""
    if kind == "convolution":
        if isinstance(module, _CONVOLUTIONS):
            return _pair(module.kernel_size), _pair(module.stride)[0], module.groups
        weight = args[1] if len(args) > 1 else kwargs["weight"]
        stride, groups = (_argument(args, kwargs, place, key) or 1 for place, key in ((3, "stride"), (6, "groups")))
        return _pair(weight.shape[2:]), _pair(stride)[0], int(groups)
    if kind != "pool":
        return (1, 1), 1, 1
    if isinstance(module, _POOLS) and not isinstance(module, _ADAPTIVE):
        return _pair(module.kernel_size), _pair(module.stride)[0], 1
    window = _argument(args, kwargs, 1, "kernel_size")
    if module is None and len(args) > 1 and isinstance(window, int) and out_size != (1, 1):
        return _pair(window), _pair(_argument(args, kwargs, 2, "stride") or window)[0], 1
    # Adaptive pooling and means: each output sees its share of the input.
    share = (max(1, in_size[0] // out_size[0]), max(1, in_size[1] // out_size[1]))
    return share, share[0], 1


def _argument(args: Any, kwargs: Any, place: int, key: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(key)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    values = tuple(int(v) for v in value)
    return (values[0], values[-1]) if values else (1, 1)
