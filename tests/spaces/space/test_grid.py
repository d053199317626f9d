"""The grid of candidates, against every combination built one by one."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.grid import Exclusion, SearchSpace

# Written down once more and by hand, so that the table of axes is not tested against itself.
MATTERS: dict[str, Callable[[SplitConfig], bool]] = {
    "encoder": lambda c: c.head == "mimic",
    "encoder_width": lambda c: c.head == "mimic" and c.encoder == "compact",
    "encoder_depth": lambda c: c.head == "mimic" and c.encoder == "compact",
    "division_scope": lambda c: c.division > 1,
    "head_pruning": lambda c: c.head == "original",
    "pruning_rule": lambda c: c.head_pruning > 0 or c.tail_pruning > 0,
    "importance": lambda c: c.head_pruning > 0 or c.tail_pruning > 0,
    "pruning_multiple": lambda c: c.head_pruning > 0 or c.tail_pruning > 0,
    "exit_confidence": lambda c: c.exit_cut is not None,
    "exit_threshold": lambda c: c.exit_cut is not None,
    "exit_fusion": lambda c: c.exit_cut is not None,
}
VALUES: dict[str, tuple[Any, ...]] = {
    "cut": ("a", "b"),
    "head": ("original", "mimic"),
    "channels": (1, 2),
    "bits": (4, 8),
    "encoder": ("compact", "hnd"),
    "encoder_width": (16, 32),
    "encoder_depth": (2, 3),
    "stride": (1, 2),
    "decoder": ("light", "linear"),
    "coding": ("none", "zstd"),
    "division": (1, 2),
    "division_scope": ("whole", "tail"),
    "head_pruning": (0.0, 0.5),
    "tail_pruning": (0.0, 0.25),
    "importance": ("l2", "bn"),
    "depth": (0.5, 1.0),
    "exit_cut": (None, "a"),
    "exit_confidence": ("margin", "max"),
    "exit_threshold": (0.5, 0.6),
    "exit_fusion": (0.0, 1.0),
}
REQUIRED = ("cut", "head", "channels", "bits")


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    named = {*REQUIRED, *draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=6, unique=True))}
    lists = {name: draw(st.lists(st.sampled_from(VALUES[name]), min_size=1, unique=True)) for name in sorted(named)}
    term = st.sampled_from(sorted(VALUES)).flatmap(
        lambda name: st.tuples(st.just(name), st.lists(st.sampled_from(VALUES[name]), max_size=2))
    )
    terms = st.lists(term, min_size=1, max_size=3).map(dict)
    excluded = [Exclusion(terms=found, reason=str(found)) for found in draw(st.lists(terms, max_size=3))]
    return SearchSpace(backbone="n", image_size=8, exclude=excluded, **lists)


def forbidden(space: SearchSpace, config: SplitConfig) -> bool:
    return any(
        all(
            getattr(config, name) in values and (name not in MATTERS or MATTERS[name](config))
            for name, values in exclusion.terms.items()
        )
        for exclusion in space.exclude
    )


@given(spaces(), st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_exactly_the_distinct_candidates_that_are_not_excluded(space: SearchSpace, seed: int) -> None:
    built = {
        SplitConfig(backbone="n", image_size=8, **dict(zip(space.axes, values, strict=True)))
        for values in product(*space.axes.values())
    }
    expected = {config for config in built if not forbidden(space, config)}
    found = list(space)
    assert len(found) == len(space) == space.size == len(expected)
    assert set(found) == expected
    assert len({config.key for config in found}) == len(found)
    assert [space[number] for number in range(len(space))] == found
    assert all((config in space) == (config in expected) for config in built)
    sampled = space.sample(5, seed)
    assert len(set(sampled)) == len(sampled) == min(5, len(space))
    assert set(sampled) <= expected
    assert sampled == space.sample(5, seed)


@given(spaces(), st.data())
@settings(max_examples=200, deadline=None)
def test_points_and_candidates(space: SearchSpace, data: st.DataObject) -> None:
    point = {name: data.draw(st.integers(*bounds)) for name, bounds in space.ranges.items()}
    config = space.at(point)
    canonical = space.point(config)
    assert set(canonical) == set(point) == set(space.ranges)
    assert space.at(canonical) == config
    assert (space.excluded(point) is not None) == (space.excluded(canonical) is not None) == forbidden(space, config)
    assert (config in space) == (space.excluded(point) is None)


def small(**lists: Any) -> SearchSpace:
    required = {"cuts": ("x", "y"), "heads": ("mimic",), "channels": (1, 2), "bits": (4,)}
    return SearchSpace(backbone="n", image_size=8, **(required | lists))


def test_axes_without_a_choice_are_no_parameters() -> None:
    space = small()
    assert space.ranges == {"cut": (0, 1), "channels": (0, 1)}
    assert space.at({"cut": 1, "channels": 0}) == space.at({"cut": 1, "head": 0, "channels": 0, "bits": 0})


class Last:
    def suggest_int(self, name: str, low: int, high: int) -> int:
        return high


def test_a_dict_can_stand_in_for_a_trial() -> None:
    assert small().suggest(Last()) == small()[-1] == list(small())[-1]
    with pytest.raises(IndexError):
        small()[4]


def test_candidates_of_other_spaces_are_told_apart() -> None:
    inside = small()[0]
    assert inside in small()
    assert "x" not in small()
    assert inside not in small(channels=(2,))
    with pytest.raises(UserError, match="the space has no channels 1"):
        small(channels=(2, 4)).point(inside)
    other = SearchSpace(backbone="m", image_size=8, cuts=("x",), heads=("mimic",), channels=(1,), bits=(4,))
    with pytest.raises(UserError, match="belongs to n at 8 px"):
        other.point(inside)


def test_excluded_points_have_a_reason_and_a_candidate() -> None:
    space = small(exclude=[Exclusion(terms={"cut": ["y"], "channels": [2]}, reason="too dear")])
    assert len(space) == 3
    assert space.excluded({"cut": 1, "channels": 1}) == "too dear"
    assert space.at({"cut": 1, "channels": 1}) not in space


def test_a_sample_is_uniform() -> None:
    space = small()
    counts = dict.fromkeys(space, 0)
    for seed in range(400):
        (config,) = space.sample(1, seed)
        counts[config] += 1
    # Four equally likely outcomes, 400 draws: the standard deviation is 8.7.
    assert all(abs(count - 100) < 5 * 8.7 for count in counts.values())
    everything = space.sample(99, 0)
    assert set(everything) == set(space)
    assert everything != list(space)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"chanels": (1,)}, "unknown axis 'chanels'; did you mean 'channels'"),
        ({"channels": ()}, "'channels' is empty"),
        ({"channels": (1, 1)}, "'channels' names 1 twice"),
        ({"channels": (0,)}, "channels must be"),
        ({"cut": ("x",)}, "both 'cuts' and 'cut'"),
    ],
)
def test_impossible_lists_are_refused(lists: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        small(**lists)
    with pytest.raises(UserError, match="lacks the axis 'heads'"):
        SearchSpace(backbone="n", image_size=8, cuts=("x",))


def test_relatives_share_what_is_fixed_and_are_candidates() -> None:
    space = SearchSpace(
        backbone="net",
        image_size=32,
        cuts=("a", "b"),
        heads=("original", "mimic"),
        channels=(1, 2, 3),
        bits=(4, 8),
        tail_prunings=(0.0, 0.25),
        exclude=(Exclusion(terms={"channels": (2,), "bits": (4,)}, reason="no"),),
    )
    first = space[5]
    found = space.relatives(first, ("tail_pruning", "cut"), 8, seed=3)
    assert found[0] == first
    assert 1 < len(found) == len(set(found)) <= 8
    assert {(config.tail_pruning, config.cut) for config in found} == {(first.tail_pruning, first.cut)}
    assert all(config in space for config in found)
    assert found == space.relatives(first, ("tail_pruning", "cut"), 8, seed=3)
    # Nothing else left to vary: the candidate itself.
    assert space.relatives(first, tuple(space.ranges), 8, seed=3) == [first]
