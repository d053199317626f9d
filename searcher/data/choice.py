"""Which images of a source are wanted, and how many of them memory can hold."""

from dataclasses import dataclass, replace

from splitsearch.searcher.data.images import image_bytes
from splitsearch.searcher.data.selection import HOLD_OUT_SEED, stratified
from splitsearch.searcher.data.source import ImageSource, IntArray
from splitsearch.spaces.errors import UserError

__all__ = ["Choice", "limited"]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Images chosen from a source: their positions in it, int64 (N,)."""

    source: ImageSource
    positions: IntArray

    def __len__(self) -> int:
        return len(self.positions)

    def labels(self) -> IntArray:
        """Their labels, int64 (N,)."""
        return self.source.labels()[self.positions]

    def limit(self, count: int, seed: int) -> "Choice":
        """A stratified choice of at most `count` of these."""
        if count >= len(self.positions):
            return self
        return replace(self, positions=self.positions[stratified(self.labels(), count, seed)])


def limited(
    train: Choice, val: Choice, size: int, max_bytes: int, seed: int
) -> tuple[tuple[Choice, Choice], tuple[str, ...]]:
    """The largest stratified choice that fits into memory, a quarter of it for validation where it binds.

    Args:
        train: wanted for training.
        val: wanted for validation.
        size: side in pixels.
        max_bytes: of memory.
        seed: draws the training images; what validates does not depend on it.

    Returns:
        Both parts, and a sentence for each that is limited.

    Raises:
        UserError: not even two images fit.
    """
    n_train, n_val = _affordable(len(train), len(val), max_bytes // image_bytes(1, size))
    if min(n_train, n_val) < 1:
        raise UserError(f"--image-size {size}: not even two images fit into {_gib(max_bytes)}, choose a smaller one")
    parts = (train.limit(n_train, seed), val.limit(n_val, HOLD_OUT_SEED))
    remedy = ": use --subset" + ("" if train.source.in_memory else ", or give the cache more room with --cache-gb")
    asked = {"training": (len(train), n_train, remedy), "validation": (len(val), n_val, "")}
    return parts, tuple(
        f"{part} images limited to {fitting:,} of {wanted:,} ({_gib(max_bytes)}){advice}"
        for part, (wanted, fitting, advice) in asked.items()
        if fitting < wanted
    )


def _affordable(n_train: int, n_val: int, room: int) -> tuple[int, int]:
    """Returns how many training and validation images fit into room for `room` images."""
    if n_train + n_val <= room:
        return n_train, n_val
    n_val = min(n_val, max(room // 4, 1))
    return min(n_train, room - n_val), n_val


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.3g} GiB"
