"""Launch: the operators that a runtime runs as one kernel, and whose results they read."""

from dataclasses import dataclass

from splitsearch.profilers.predict.describe import Operator
from splitsearch.profilers.predict.kernel import Kernel

__all__ = ["Launch"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Launch:
    """One launch.

    Attributes:
        kernel: what is launched.
        operators: the operators of the graph that it does, in order; none for a reorder that a runtime adds.
        sources: operators of other launches whose results it reads; None is the graph's input or a constant.
    """

    kernel: Kernel
    operators: tuple[Operator, ...] = ()
    sources: tuple[Operator | None, ...] = ()

    @property
    def main(self) -> Operator:
        """The operator that decides what the kernel does: the first but for padding, which costs next to nothing."""
        return next((op for op in self.operators if op.kernel.kind != "copy"), self.operators[0])

    @property
    def last(self) -> Operator:
        """The operator whose result leaves the kernel."""
        return self.operators[-1]
