"""A candidate as data."""

from typing import Any

import pytest

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError

FIELDS: dict[str, Any] = {
    "backbone": "resnet18",
    "cut": "layer1",
    "head": "mimic",
    "channels": 3,
    "bits": 8,
    "image_size": 32,
}


def test_json_round_trip_keeps_the_key() -> None:
    config = SplitConfig(**FIELDS)
    assert SplitConfig.from_json(config.to_json()) == config
    assert SplitConfig.from_json(dict(reversed(config.to_json().items()))).key == config.key


def test_the_key_is_the_same_in_every_process() -> None:
    assert SplitConfig(**FIELDS).key == "7f2348755dfd35d3"


@pytest.mark.parametrize("field", ["cut", "head", "channels", "bits", "image_size"])
def test_every_field_decides_the_key(field: str) -> None:
    other = {"cut": "layer2", "head": "original", "channels": 4, "bits": 4, "image_size": 64}[field]
    assert SplitConfig(**FIELDS).key != SplitConfig(**(FIELDS | {field: other})).key


@pytest.mark.parametrize(("field", "value"), [("head", "mimik"), ("channels", 0), ("bits", 9), ("image_size", 0)])
def test_impossible_values_are_refused(field: str, value: object) -> None:
    with pytest.raises(UserError, match=f"{field} must be"):
        SplitConfig(**(FIELDS | {field: value}))


def test_unknown_and_missing_fields_are_named() -> None:
    with pytest.raises(UserError, match=r"unknown field 'chanels'.*did you mean 'channels'"):
        SplitConfig.from_json(FIELDS | {"chanels": 3})
    with pytest.raises(UserError, match="lacks the field 'bits'"):
        SplitConfig.from_json({name: value for name, value in FIELDS.items() if name != "bits"})
