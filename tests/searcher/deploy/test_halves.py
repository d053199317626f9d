"""The two halves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.halves import (
    AfterExit,
    DeviceHalf,
    ServerHalf,
    UntilExit,
    as_tuple,
    device_stages,
    head_outputs,
    integer_type,
    stops_early,
    tail_inputs,
)
from splitsearch.spaces.bottleneck.payload import Quantiser


@pytest.mark.parametrize(
    ("bits", "kind", "names"),
    [(1, torch.uint8, 3), (8, torch.uint8, 3), (16, torch.int32, 3), (32, torch.float32, 1)],
)
def test_what_crosses(bits: int, kind: torch.dtype, names: int) -> None:
    assert integer_type(bits) == kind
    assert len(tail_inputs(bits)) == names
    assert head_outputs(bits, with_exit=True) == (*tail_inputs(bits), "exit_logits", "exit_confidence")


@torch.no_grad()
def test_quantising_inside_is_the_round_trip_of_training(candidate: Chosen) -> None:
    model, x = candidate.restored.model, torch.randn(3, 3, 32, 32)
    payload, scale, zero, *answer = DeviceHalf(model, 4)(x)
    assert (payload.dtype, int(payload.max()), len(answer)) == (torch.uint8, 15, 2)
    narrow = x
    for stage in model.at("device"):
        narrow = stage.module(narrow)
    expected = Quantiser(4)(narrow)
    for stage in model.at("server"):
        expected = stage.module(expected)
    assert torch.equal(ServerHalf(model)(payload, scale, zero), expected)
    assert torch.equal(answer[1], answer[0].softmax(1).amax(1))


@torch.no_grad()
def test_the_parts_before_and_after_the_exit_are_the_head(candidate: Chosen) -> None:
    model, x = candidate.restored.model, torch.randn(3, 3, 32, 32)
    features, logits, sure = UntilExit(model)(x)
    stages = {stage.name: stage.module for stage in device_stages(model)}
    assert torch.equal(features, stages["head"](x))
    assert torch.equal(logits, stages["exit"](features))
    for found, expected in zip((*AfterExit(model, 4)(features), logits, sure), DeviceHalf(model, 4)(x), strict=True):
        assert torch.equal(found, expected)
    with pytest.raises(ValueError, match="nothing before it"):
        UntilExit(replace(model, exit=None))


def test_parts_are_worth_it_where_something_comes_after_the_exit(choose: Any, workplace: Path) -> None:
    for fields, early in (
        ({}, False),
        ({"exit_cut": "0.2"}, True),
        ({"exit_cut": "1.2"}, True),  # the encoder comes after it
        ({"exit_cut": "1.2", "head": "mimic"}, False),
        ({"exit_cut": "0.2", "resolution": 0.5}, True),
    ):
        model = choose("net.py:make", 32, workplace, cut="1.2", **fields).restored.model
        assert stops_early(model) == early, fields


def test_the_classifier_of_the_exit_comes_last(candidate: Chosen) -> None:
    assert [s.name for s in device_stages(candidate.restored.model)] == ["head", "head_after_exit", "encoder", "exit"]
    assert len(as_tuple(torch.zeros(1))) == 1
    assert len(as_tuple([torch.zeros(1), torch.zeros(1)])) == 2
