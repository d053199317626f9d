"""When a field says anything."""

from dataclasses import fields
from typing import Any

import pytest

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.premises import PREMISES, matters

MIMIC: dict[str, Any] = {"backbone": "n", "cut": "x", "head": "mimic", "channels": 3, "bits": 8, "image_size": 32}
ORIGINAL = MIMIC | {"head": "original"}


def test_premises_are_about_fields_and_run_in_no_circle() -> None:
    known = {field.name for field in fields(SplitConfig)}
    assert set(PREMISES) <= known
    assert {given.field for premises in PREMISES.values() for given in premises} <= known

    def depth(field: str) -> int:
        return 1 + max((depth(given.field) for given in PREMISES.get(field, ())), default=0)

    assert max(map(depth, PREMISES)) == 3  # a compact encoder's width, the encoder, the head


@pytest.mark.parametrize(
    ("field", "value", "silent", "speaking"),
    [
        ("encoder", "hnd", ORIGINAL, MIMIC),
        ("encoder_width", 16, ORIGINAL, MIMIC),
        ("encoder_width", 16, MIMIC | {"encoder": "hnd"}, MIMIC),
        ("encoder_depth", 2, ORIGINAL | {"encoder": "compact"}, MIMIC),
        ("division_scope", "whole", ORIGINAL, ORIGINAL | {"division": 2}),
        ("head_pruning", 0.5, MIMIC, ORIGINAL),
        ("importance", "l2", MIMIC | {"head_pruning": 0.5}, ORIGINAL | {"head_pruning": 0.5}),
        ("pruning_multiple", 8, ORIGINAL, MIMIC | {"tail_pruning": 0.5}),
        ("pruning_rule", "threshold", ORIGINAL, MIMIC | {"tail_pruning": 0.5}),
        ("exit_threshold", 0.5, ORIGINAL, ORIGINAL | {"exit_cut": "x"}),
        ("tail_pruning", 0.5, None, MIMIC),
    ],
)
def test_what_says_nothing_is_at_its_default(
    field: str, value: Any, silent: dict[str, Any] | None, speaking: dict[str, Any]
) -> None:
    """Two candidates that differ only in what does not matter are one, with one key."""
    if silent is not None:
        assert SplitConfig(**(silent | {field: value})) == SplitConfig(**silent)
        assert not matters(field, SplitConfig(**silent).__getattribute__)
    assert SplitConfig(**(speaking | {field: value})).key != SplitConfig(**speaking).key
    assert matters(field, SplitConfig(**speaking).__getattribute__)
