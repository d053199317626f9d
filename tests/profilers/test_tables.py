"""Operator tables are counted once."""

from dataclasses import replace

from torch import nn

from splitsearch.profilers.tables import OperatorTables
from splitsearch.spaces.model import Stage

STAGE = Stage(
    name="encoder",
    site="device",
    module=nn.Conv2d(3, 4, 1),
    input_shape=(3, 8, 8),
    output_shape=(4, 8, 8),
    same_costs="conv",
)


def test_equal_text_and_shape_are_counted_once() -> None:
    tables = OperatorTables()
    assert tables.of(STAGE) is tables.of(replace(STAGE, module=nn.Conv2d(3, 4, 1)))
    assert tables.of(replace(STAGE, input_shape=(3, 4, 4))) is not tables.of(STAGE)


def test_a_stage_of_which_nothing_is_known_is_counted_by_itself() -> None:
    tables = OperatorTables()
    own = replace(STAGE, same_costs=None)
    assert tables.of(own) == tables.of(STAGE)
    assert tables.of(own) is not tables.of(own)
