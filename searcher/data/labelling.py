"""Integer labels become classes: 0 … the largest label of either part."""

from splitsearch.spaces.errors import UserError

__all__ = ["MAX_CLASSES", "check_label", "numbered_classes"]

MAX_CLASSES = 100_000
"""A larger label is an identifier or a mistake: the last layer of a classifier grows with it."""


def check_label(label: int, where: str) -> None:
    """Checks one integer label.

    Raises:
        UserError: it is outside 0 … `MAX_CLASSES` - 1; the message begins with `where`.
    """
    if not 0 <= label < MAX_CLASSES:
        raise UserError(f"{where}: label {label} is out of range, labels are 0 to {MAX_CLASSES - 1}")


def numbered_classes(largest: int) -> tuple[str, ...]:
    """Returns the names `0`, `1`, … `largest`."""
    return tuple(str(label) for label in range(largest + 1))
