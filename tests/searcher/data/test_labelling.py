"""Integer labels and their range."""

import pytest

from splitsearch.searcher.data.labelling import MAX_CLASSES, check_label, numbered_classes
from splitsearch.spaces.errors import UserError


def test_classes_run_from_zero_to_the_largest_label() -> None:
    assert numbered_classes(2) == ("0", "1", "2")


@pytest.mark.parametrize("label", [-1, MAX_CLASSES])
def test_a_label_outside_the_range_is_named_with_its_place(label: int) -> None:
    with pytest.raises(UserError, match=f"here: label {label} is out of range"):
        check_label(label, "here")


@pytest.mark.parametrize("label", [0, MAX_CLASSES - 1])
def test_the_ends_of_the_range_are_allowed(label: int) -> None:
    check_label(label, "here")
