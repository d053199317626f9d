"""Where ONNX Runtime reorders tensors on a processor: its convolutions want channels in blocks, others want them plain.

The rules are those that its layout pass shows in profiles of version 1.31 with AVX-512, whose block is 16 channels: a
convolution of fewer input channels than a block reads the plain tensor; one whose input channels are no multiple of 4
stays plain; pools, adds, norms and activations follow their input, with the channels that fill its last block;
everything else needs the plain tensor.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from splitsearch.profilers.predict.describe import Operator
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.profilers.predict.launch import Launch

__all__ = ["BLOCK", "Edges", "filled", "takes_blocks", "with_reorders"]

BLOCK = 16
"""Channels of one block."""

_ALIGNED = 4
_FOLLOWING = frozenset({"relu", "relu6", "sigmoid", "tanh", "silu", "leakyrelu", "hardsigmoid", "hardtanh"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The reorders at the two ends of a graph, that a neighbour in the same process saves.

    Attributes:
        entry: before the first kernel; None if it reads the plain tensor.
        leave: after the last; None if its result is plain.
    """

    entry: Kernel | None
    leave: Kernel | None


def with_reorders(launches: Sequence[Launch]) -> tuple[tuple[Launch, ...], Edges]:
    """Puts the reorders between the launches that need them; those at the two ends are apart."""
    layout = _Layout()
    for launch in launches:
        layout.add(launch)
    outputs = [op for launch in launches for op in launch.operators if None in op.users]
    leave = next((_out_of_blocks(op.kernel) for op in outputs if op in layout.blocked), None)
    return tuple(layout.launches), Edges(entry=layout.entry, leave=leave)


def _out_of_blocks(like: Kernel) -> Kernel:
    """The kernel that makes a plain tensor of another one's result."""
    return _reorder(like.out_channels, like.out_size, filled_before=True)


def _into_blocks(channels: int, size: tuple[int, int]) -> Kernel:
    """The kernel that fills blocks from a plain tensor."""
    return _reorder(channels, size, filled_before=False)


def _reorder(channels: int, size: tuple[int, int], *, filled_before: bool) -> Kernel:
    before, after = (filled(channels), channels) if filled_before else (channels, filled(channels))
    return Kernel(
        kind="copy",
        fused=("reorder",),
        in_channels=before,
        out_channels=after,
        in_size=size,
        out_size=size,
        inputs=before * math.prod(size),
        outputs=after * math.prod(size),
    )


def filled(channels: int) -> int:
    """Channels of the whole blocks that so many take."""
    return -(-channels // BLOCK) * BLOCK


def _in_blocks(kernel: Kernel) -> Kernel:
    """A kernel that works point by point on whole blocks, the channels that fill them included."""
    channels = filled(kernel.out_channels)
    return replace(
        kernel,
        in_channels=filled(kernel.in_channels),
        out_channels=channels,
        inputs=kernel.inputs * channels // kernel.out_channels,
        outputs=kernel.outputs * channels // kernel.out_channels,
    )


class _Layout:
    """Which results lie in blocks while the launches are gone through in order."""

    def __init__(self) -> None:
        self.blocked: set[Operator] = set()
        self.launches: list[Launch] = []
        self.entry: Kernel | None = None
        self._also_plain: set[Operator] = set()
        self._also_blocked: set[Operator | None] = set()

    def add(self, launch: Launch) -> None:
        """Takes the next launch, after the reorders that it needs."""
        kind, kernel = launch.main.kernel.kind, launch.kernel
        if kind == "convolution" and takes_blocks(kernel):
            if kernel.in_channels >= BLOCK:
                self._want_blocked(launch)
            else:
                self._want_plain(launch.sources)
            self.blocked.add(launch.last)
        elif self._follows(launch):
            self.blocked.add(launch.last)
            norm = launch.main.name == "batchnorm"
            launch = replace(launch, kernel=_as_convolution(kernel) if norm else _in_blocks(kernel))
        else:
            self._want_plain(launch.sources)
        self.launches.append(launch)

    def _follows(self, launch: Launch) -> bool:
        sources = [source for source in launch.sources if source is not None]
        if not sources or not all(source in self.blocked for source in sources):
            return False
        kernel, name = launch.kernel, launch.main.name
        if name in _FOLLOWING or name == "batchnorm":
            return True
        if name == "add":
            return kernel.inputs == 2 * kernel.outputs
        if kernel.kind == "pool":
            return kernel.out_size != (1, 1)  # a mean over the whole map is a reduction, which knows no blocks
        return kernel.kind == "concat" and all(source.kernel.out_channels % BLOCK == 0 for source in sources)

    def _want_blocked(self, launch: Launch) -> None:
        source = launch.sources[0]
        if source in self.blocked or source in self._also_blocked:
            return
        self._also_blocked.add(source)
        found = _into_blocks(launch.kernel.in_channels, launch.kernel.in_size)
        if source is None:
            self.entry = found
        else:
            self.launches.append(Launch(kernel=found))

    def _want_plain(self, sources: Sequence[Operator | None]) -> None:
        for source in sources:
            if source in self.blocked and source not in self._also_plain and source is not None:
                self._also_plain.add(source)
                self.launches.append(Launch(kernel=_out_of_blocks(source.kernel)))


def takes_blocks(kernel: Kernel) -> bool:
    """Whether a convolution reads channels in blocks; one that does not also fuses less."""
    if "transpose" in "".join(kernel.fused):
        return False
    if kernel.groups == 1:
        return kernel.in_channels < BLOCK or kernel.in_channels % _ALIGNED == 0
    if kernel.groups == kernel.in_channels == kernel.out_channels:
        return kernel.out_channels % _ALIGNED == 0
    inside, outside = kernel.in_channels // kernel.groups, kernel.out_channels // kernel.groups
    return inside % BLOCK == 0 and outside % BLOCK == 0


def _as_convolution(kernel: Kernel) -> Kernel:
    """A norm that no convolution absorbs runs as one that multiplies each channel by one number."""
    return replace(kernel, kind="convolution", fused=kernel.fused[1:], groups=kernel.in_channels)
