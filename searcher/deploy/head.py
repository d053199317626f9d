"""A head that computes no more than an image needs: up to the exit first, the rest only for what goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from splitsearch.searcher.deploy.crossing import Arrays
from splitsearch.searcher.deploy.halves import ANSWER, FEATURES
from splitsearch.searcher.deploy.runtimes import Half

__all__ = ["Head"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What runs on the device, in some runtime.

    Attributes:
        first: takes `IMAGE`; gives the whole head's outputs, or the features at the exit and its answer.
        rest: takes the features and gives what is sent; None if `first` is the whole head.
    """

    first: Half
    rest: Half | None = None

    def begin(self, images: Mapping[str, NDArray[Any]]) -> Arrays:
        """Runs a batch up to the exit, or to the end of a head that has nothing behind one."""
        return self.first(images)

    def finish(self, begun: Arrays) -> Arrays:
        """Runs the rest on what `begin` gave: then `head_outputs` are complete."""
        if self.rest is None:
            return begun
        return self.rest({FEATURES: begun[FEATURES]}) | {name: begun[name] for name in ANSWER}

    def __call__(self, images: Mapping[str, NDArray[Any]]) -> Arrays:
        """Runs all of it, whatever the exit says."""
        return self.finish(self.begin(images))
