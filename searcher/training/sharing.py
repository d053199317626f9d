"""Which candidates are one training: those that differ only in what happens after it.

Bit-width and coding of the payload, and threshold, confidence and fusion of an exit change what is sent and who
answers. None of them has weights, so one trained candidate is swept over all of them.
"""

from collections.abc import Iterable
from dataclasses import replace

from splitsearch.spaces.config import SplitConfig

__all__ = ["SWEPT", "Families", "trained_as", "training_key"]

_TRAINED = {"bits": 8, "coding": "none", "exit_threshold": 0.9, "exit_confidence": "max", "exit_fusion": 0.0}
SWEPT = tuple(_TRAINED)
"""The fields of a configuration that a training does not depend on."""


def trained_as(config: SplitConfig) -> SplitConfig:
    """The candidate that stands for all that share a training."""
    return replace(config, **_TRAINED)  # type: ignore[arg-type]  # each value has its field's type


def training_key(config: SplitConfig) -> str:
    """Equal for candidates that share a training."""
    return trained_as(config).key


class Families:
    """Candidates by the training that they share."""

    def __init__(self) -> None:
        self._seen: set[SplitConfig] = set()
        self._found: dict[SplitConfig, list[SplitConfig]] = {}

    def siblings(self, config: SplitConfig, pool: Iterable[SplitConfig]) -> list[SplitConfig]:
        """The other candidates of the pool that share this one's training, in the pool's order.

        Args:
            config: one of them.
            pool: all candidates; it may have grown since the last call.
        """
        for candidate in pool:
            if candidate not in self._seen:
                self._seen.add(candidate)
                self._found.setdefault(trained_as(candidate), []).append(candidate)
        return [other for other in self._found.get(trained_as(config), []) if other != config]
