"""Operator tables are counted once."""

from dataclasses import replace
from typing import Any

import pytest
from torch import nn
from torchvision import models

from splitsearch.profilers.counting.operators import OperatorCost, operator_costs, total
from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel, Stage
from splitsearch.spaces.variants.variants import Variants

CONFIG = {"backbone": "resnet18", "cut": "layer2", "head": "original", "channels": 3, "bits": 8, "image_size": 64}
RESNET = Variants.trace("resnet18", models.resnet18(weights=None).to("meta"), 64)

STAGE = Stage(
    name="encoder",
    site="device",
    build=lambda: nn.Conv2d(3, 4, 1),
    input_shape=(3, 8, 8),
    output_shape=(4, 8, 8),
    same_costs="conv",
)


def test_equal_text_and_shape_are_counted_once() -> None:
    tables = OperatorTables()
    assert tables.of(STAGE) is tables.of(replace(STAGE, build=lambda: nn.Conv2d(3, 4, 1)))
    assert tables.of(replace(STAGE, input_shape=(3, 4, 4))) is not tables.of(STAGE)


def test_a_stage_of_which_nothing_is_known_is_counted_by_itself() -> None:
    tables = OperatorTables()
    own = replace(STAGE, same_costs=None)
    assert tables.of(own) == tables.of(STAGE)
    assert tables.of(own) is not tables.of(own)


def counted(model: SplitModel) -> dict[str, OperatorCost]:
    return {
        f"{stage.name}.{name}": cost
        for stage in model.stages
        for name, cost in operator_costs(stage.module.eval(), stage.input_shape).items()
    }


@pytest.mark.parametrize("changes", [{}, {"exit_cut": "layer1"}, {"width": 0.5}, {"tail_pruning": 0.5}])
def test_stretches_cost_what_their_modules_cost(changes: dict[str, Any]) -> None:
    model = assemble(SplitConfig(**(CONFIG | changes)), RESNET)
    tables = OperatorTables()
    found = {f"{stage.name}.{name}": cost for stage in model.stages for name, cost in tables.of(stage).items()}
    assert found == counted(model)


def test_lanes_cost_what_they_and_their_meeting_cost() -> None:
    model = assemble(SplitConfig(**(CONFIG | {"division": 4, "division_scope": "whole"})), RESNET)
    tables = OperatorTables()
    for name in ("head", "tail"):
        stage = model.stage(name)
        assert stage is not None
        assert tables.total(stage) == total(operator_costs(stage.module, stage.input_shape).values())
