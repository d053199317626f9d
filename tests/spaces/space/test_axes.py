"""The table of axes agrees with SplitConfig."""

from dataclasses import fields
from typing import Any

import pytest

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.axes import AXES, accept, defaults, find_axis


def test_every_field_but_two_is_an_axis_and_names_are_unique() -> None:
    assert {axis.name for axis in AXES} == {field.name for field in fields(SplitConfig)} - {"backbone", "image_size"}
    names = [name for axis in AXES for name in {axis.name, axis.plural}]
    assert len(names) == len(set(names))
    assert [axis.name for axis in AXES if axis.required] == ["cut", "head", "channels", "bits"]


def test_premises_are_about_earlier_axes_and_fail_for_defaults() -> None:
    earlier: set[str] = set()
    for axis in AXES:
        for given in axis.only:
            assert given.field in earlier
            # What nobody asked for must not make further axes matter; the encoder's default does, below a mimic head.
            assert given.field in ("head", "encoder") or not given.holds(defaults()[given.field])
        earlier.add(axis.name)


def test_defaults_are_acceptable() -> None:
    for axis in AXES:
        if not axis.required:
            assert accept(axis, defaults()[axis.name]) == defaults()[axis.name]


def test_names_in_both_numbers() -> None:
    assert find_axis("cuts") is find_axis("cut")
    assert find_axis("chanels") is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("channels", 0, "channels must be"),
        ("channels", 2.0, "channels must be an integer, not 2.0"),
        ("channels", True, "channels must be an integer, not True"),
        pytest.param("channels", 1 << 40000, "more than nine digits", id="long"),
        ("bits", 9, "bits must be"),
        ("head", "mimik", "did you mean 'mimic'"),
        ("head", None, "head must be text"),
        ("cut", "", "cut must be text"),
        ("depth", "deep", "depth must be a number"),
        ("depth", float("nan"), "depth must be a number"),
        ("depth", 0.0, "depth must be"),
        ("width", 1.5, "width must be"),
        ("tail_pruning", 1.0, "tail_pruning must be"),
        ("division", 3, "division must be"),
        ("encoder", "compct", "did you mean 'compact'"),
        ("decoder", "lihgt", "did you mean 'light'"),
    ],
)
def test_impossible_values_are_refused(name: str, value: Any, message: str) -> None:
    axis = find_axis(name)
    assert axis is not None
    with pytest.raises(UserError, match=message):
        accept(axis, value)


def test_whole_numbers_become_floats_where_floats_belong_so_that_keys_agree() -> None:
    axis = find_axis("depth")
    assert axis is not None
    assert isinstance(accept(axis, 1), float)


@pytest.mark.parametrize("name", ["hnd", "light", "linear", "conv3s2p1-16 bn relu conv1-c"])
def test_published_and_drawn_decoders_are_accepted(name: str) -> None:
    axis = find_axis("decoders")
    assert axis is not None
    assert accept(axis, name) == name
