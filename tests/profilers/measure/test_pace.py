"""What a machine's pace does to samples."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from splitsearch.profilers.devices.measured import Pace
from splitsearch.profilers.measure.agent import YARDSTICK
from splitsearch.profilers.measure.pace import Visit, at_pace, comparable, pace_of, visits_in, yardstick


def visit(ms: float, told: float | None, item: str = "a") -> Visit:
    return Visit(item=item, round=0, samples=((ms, ms), (ms, None)), yardstick_ms=told)


def times(visits: list[Visit]) -> list[float]:
    return [one.samples[0][0] for one in visits]


def test_the_yardstick_is_a_network_that_every_runtime_can_be_given() -> None:
    item = yardstick("onnxruntime")
    assert (item.name, item.input_shape, item.config) == (YARDSTICK, (3, 112, 112), None)
    assert item.graph_module(torch.zeros(1, *item.input_shape)).shape == (1, 512, 7, 7)


def test_making_it_draws_nothing_from_anybody_elses_numbers() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    yardstick("eager")
    assert torch.equal(torch.rand(2), expected)


def test_a_slow_spell_is_taken_out() -> None:
    calm, slow = [visit(10.0, 1.0)] * 30, [visit(15.0, 1.5)] * 20
    found = at_pace([*calm, *slow, *calm], 1.0)
    assert times(found) == pytest.approx([10.0] * 80, rel=0.35)
    assert times(found)[:20] + times(found)[40:45] == pytest.approx([10.0] * 25)
    assert found[40].samples[1] == (pytest.approx(10.0), None)


def test_one_odd_run_of_the_yardstick_says_nothing() -> None:
    visits = [visit(10.0, 1.0)] * 10
    visits[4] = visit(10.0, 7.0)
    assert at_pace(visits, 1.0) == [*visits[:4], visits[4], *visits[5:]]


def test_without_a_yardstick_everything_stays_as_it_was() -> None:
    visits = [visit(10.0, None), visit(12.0, None)]
    assert at_pace(visits, 1.0) == visits
    assert at_pace([visit(10.0, 2.0)], None) == [visit(10.0, 2.0)]
    assert pace_of(visits, 9) is None


def test_the_pace_is_told_by_its_percentiles() -> None:
    pace = pace_of([visit(1.0, 1.0)] * 60 + [visit(1.0, 2.0)] * 40, 9)
    assert pace == Pace(macs=9, p10_ms=1.0, p50_ms=1.0, p90_ms=2.0)


@pytest.mark.parametrize(("runtime", "count"), [("onnxruntime", 12), ("tensorrt", 12), ("eager", 10), ("compile", 10)])
def test_the_paces_of_two_yardsticks_are_not_compared(runtime: str, count: int) -> None:
    convolutions = [module for module in yardstick(runtime).graph_module.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == count
    sides = [56, 56, 56, 28, 28, 28, 14, 7, 7, 7, 7, 7][:count]
    macs = sum(conv.weight.numel() * side**2 for conv, side in zip(convolutions, sides, strict=True))
    own = Pace(macs=macs, p10_ms=1.0, p50_ms=1.0, p90_ms=2.0)
    assert comparable(own, runtime) == own
    assert comparable(own.model_copy(update={"macs": macs - 1}), runtime) is None
    assert comparable(Pace(p10_ms=1.0, p50_ms=1.0, p90_ms=2.0), runtime) is None, (
        "of a file from before it was told which"
    )
    assert comparable(None, runtime) is None


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 10)), min_size=1, max_size=40), st.floats(0.1, 10))
def test_a_machine_that_is_slower_in_everything_is_the_same_machine(
    drawn: list[tuple[float, float]], slower: float
) -> None:
    here = [visit(ms, told) for ms, told in drawn]
    there = [visit(ms * slower, told * slower) for ms, told in drawn]
    assert times(at_pace(there, 1.0)) == pytest.approx(times(at_pace(here, 1.0)))


def test_visits_are_read_from_the_record() -> None:
    lines: list[dict[str, Any]] = [
        {"what": "round", "round": 0, "seconds": 1.0},
        {"what": "visit", "item": "a", "round": 0, "samples": [[2, 1.5], [3, None]], "yardstick": 0.5},
        {"what": "visit", "item": "a", "round": 1, "samples": [[2, 1.5]]},  # of an agent that had none
        {"what": "visit", "item": "a", "round": 2, "samples": [[2, 1.5]], "yardstick": 0.0},  # its clock is too coarse
    ]
    first, *others = visits_in(lines)
    assert first == Visit(item="a", round=0, samples=((2.0, 1.5), (3.0, None)), yardstick_ms=0.5)
    assert [other.yardstick_ms for other in others] == [None, None]
