"""Named tables."""

import pytest

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.registry import Registry


def test_what_was_registered_is_found() -> None:
    table: Registry[int] = Registry("number")
    table.register("one")(1)
    assert table.get("one") == 1
    assert list(table) == ["one"]
    assert len(table) == 1


def test_a_name_is_registered_once() -> None:
    table: Registry[int] = Registry("number")
    table.register("one")(1)
    with pytest.raises(ValueError, match="twice"):
        table.register("one")


def test_an_unknown_name_suggests_the_nearest() -> None:
    table: Registry[int] = Registry("number")
    table.register("three")(3)
    with pytest.raises(UserError, match="unknown number 'tree'; did you mean 'three'"):
        table.get("tree")
