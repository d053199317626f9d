"""Counting without listing, against listing."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.counting import Diagram, Dimension, Path

Exclusions = list[dict[str, frozenset[int]]]


def listed(dimensions: list[Dimension], exclusions: Exclusions) -> list[Path]:
    """Every combination, made canonical, once, unless excluded: the definition, taken literally."""
    found: dict[Path, None] = {}
    for combination in product(*(range(len(dimension.values)) for dimension in dimensions)):
        path: dict[str, int | None] = {}
        for dimension, index in zip(dimensions, combination, strict=True):
            held = [path[name] is not None and holds(path[name]) for name, holds in dimension.only]
            path[dimension.name] = index if any(held) or not dimension.only else None
        if not any(all(path[name] in indices for name, indices in exclusion.items()) for exclusion in exclusions):
            found[tuple(path.values())] = None
    return list(found)


@st.composite
def spaces(draw: st.DrawFn) -> tuple[list[Dimension], Exclusions]:
    dimensions: list[Dimension] = []
    for k in range(draw(st.integers(1, 5))):
        earlier = draw(st.lists(st.integers(0, k - 1), max_size=2, unique=True)) if k else []
        premises = [(str(j), draw(st.frozensets(st.integers(0, 2))).__contains__) for j in earlier]
        values = range(draw(st.integers(1, 3)))
        dimensions.append(Dimension(name=str(k), values=values, only=premises))
    names = st.sampled_from([dimension.name for dimension in dimensions])
    exclusion = st.dictionaries(names, st.frozensets(st.integers(0, 2)), min_size=1, max_size=3)
    return dimensions, draw(st.lists(exclusion, max_size=4))


@given(spaces())
@settings(max_examples=300, deadline=None)
def test_counts_and_numbers_what_listing_finds(space: tuple[list[Dimension], Exclusions]) -> None:
    expected = listed(*space)
    diagram = Diagram(*space)
    assert diagram.size == len(expected)
    assert list(diagram) == [diagram[number] for number in range(diagram.size)] == expected
    for outside in (-1, diagram.size):
        with pytest.raises(IndexError):
            diagram[outside]


def test_huge_spaces_take_few_states() -> None:
    dimensions = [Dimension(name=str(k), values=range(10)) for k in range(40)]
    exclusions: list[dict[str, Any]] = [{str(k): {0}, str(k + 1): {0}} for k in range(39)]
    diagram = Diagram(dimensions, exclusions)
    # Words over ten letters in which one letter never stands twice in a row: a(n) = 9 a(n-1) + 9 a(n-2).
    words = [1, 10]
    for _ in range(39):
        words.append(9 * words[-1] + 9 * words[-2])
    assert diagram.size == words[40] > 10**39
    assert diagram.states <= 2 * 40 + 1
    assert diagram[diagram.size - 1] == (9,) * 40


def test_what_later_dimensions_need_not_know_is_forgotten() -> None:
    first, last = Dimension(name="a", values=(0, 1)), Dimension(name="c", values=(0, 1))
    between = Dimension(name="b", values=(0, 1), only=[("a", bool)])
    diagram = Diagram([first, between, last])
    assert diagram.size == (1 + 2) * 2
    assert diagram.states == 1 + 2 + 1 + 1


def test_entangled_exclusions_are_refused_and_not_counted_for_ever() -> None:
    dimensions = [Dimension(name=str(k), values=range(2)) for k in range(40)]
    exclusions: list[dict[str, Any]] = [{str(k): {0}, str(39 - k): {1}} for k in range(20)]
    with pytest.raises(UserError, match="too entangled"):
        Diagram(dimensions, exclusions, limit=5000)


def test_impossible_definitions_are_faults() -> None:
    late = Dimension(name="a", values=(1,), only=[("b", bool)])
    with pytest.raises(ValueError, match="'a' comes before 'b'"):
        Diagram([late, Dimension(name="b", values=(1,))])
    with pytest.raises(ValueError, match="names no dimension"):
        Diagram([Dimension(name="b", values=(1,))], [{}])
