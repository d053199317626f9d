"""Chains of stages."""

import pytest
import torch
from torch import nn

from splitsearch.spaces.model import SplitModel, Stage


def stage(name: str, site: str, before: int, after: int) -> Stage:
    return Stage(
        name=name,
        site="device" if site == "device" else "server",
        module=nn.Linear(before, after),
        input_shape=(before,),
        output_shape=(after,),
    )


def test_the_payload_crosses_where_the_site_changes() -> None:
    model = SplitModel(stages=(stage("a", "device", 4, 3), stage("b", "device", 3, 2), stage("c", "server", 2, 5)))
    assert model.crossing is model.stage("b")
    assert [s.name for s in model.at("device")] == ["a", "b"]
    assert model.run(torch.randn(7, 4)).shape == (7, 5)


def test_one_place_sends_nothing() -> None:
    model = SplitModel(stages=(stage("a", "device", 4, 3),))
    assert model.crossing is None
    assert model.stage("tail") is None


def test_stages_must_fit() -> None:
    with pytest.raises(ValueError, match=r"a gives \(3,\), b takes \(2,\)"):
        SplitModel(stages=(stage("a", "device", 4, 3), stage("b", "server", 2, 5)))
