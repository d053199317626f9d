"""How far two runtimes may be apart."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from splitsearch.searcher.deploy.compare import ACCURACY, compare
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.outcomes import Pair
from splitsearch.searcher.deploy.rebuild import torch_pair
from splitsearch.spaces.errors import UserError


def changed(pair: Pair, side: str, change: Any) -> Pair:
    half = getattr(pair, side)
    return replace(pair, **{side: lambda inputs: change(half(inputs))})


@pytest.fixture
def pair(candidate: Chosen) -> Pair:
    return torch_pair(candidate.restored.model, candidate.restored.config)


def test_a_runtime_equals_itself(pair: Pair, candidate: Chosen) -> None:
    outcomes, checked = compare(pair, pair, candidate.restored.data.val, 18)
    assert (checked.payload_steps, checked.payload_changed, checked.logits, checked.accuracy_difference) == (0, 0, 0, 0)
    assert checked.accuracy == outcomes.hits(0.6).mean()
    assert checked.images == 24
    assert ACCURACY == 0.001


def test_every_form_of_the_head_has_to_agree(pair: Pair, candidate: Chosen) -> None:
    wrong = replace(pair.head, first=lambda inputs: {n: -a for n, a in pair.head.first(inputs).items()})
    part = candidate.restored.data.val
    compare(pair, pair, part, 18, also=[pair.head])
    with pytest.raises(UserError, match="is above"):
        compare(pair, pair, part, 18, also=[pair.head, wrong])


@pytest.mark.parametrize(
    ("side", "change", "line"),
    [
        ("tail", lambda o: {"logits": o["logits"] * 1.01}, "logits 0.01 is above 0.001"),
        ("head", lambda o: o | {"payload": o["payload"] ^ 2}, "payload steps 2 is above 1"),
        ("head", lambda o: o | {"payload": o["payload"] ^ 1}, "payload changed 1 is above 0.01"),
        ("head", lambda o: o | {"exit_logits": -o["exit_logits"]}, "logits 2 is above"),
        ("tail", lambda o: {"logits": o["logits"] * np.nan}, "values that are no numbers"),
    ],
)
def test_what_differs_is_named(side: str, change: Any, line: str, pair: Pair, candidate: Chosen) -> None:
    with pytest.raises(UserError, match=line):
        compare(pair, changed(pair, side, change), candidate.restored.data.val, 18)
