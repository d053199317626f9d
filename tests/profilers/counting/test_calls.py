"""Calls of a graph, each counted once."""

import pytest
import torch
from torch import nn

from splitsearch.profilers.counting import calls
from splitsearch.profilers.counting.calls import Call, counted_once, zeros_like
from splitsearch.profilers.counting.macs import Counted


def module(layer: nn.Module) -> Call:
    return Call(target="layer", module=layer.to("meta"), values=None)


def test_equal_calls_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def counting(network: nn.Module, *inputs: torch.Tensor) -> Counted:
        seen.append(inputs[0].shape)
        return Counted(macs=7, uncounted={})

    monkeypatch.setattr(calls, "count", counting)
    monkeypatch.setattr(calls, "_COUNTED", {})
    image = torch.empty(1, 3, 8, 8, device="meta")
    for layer in (nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3, stride=2)):
        assert counted_once(module(layer), (image,), {}).macs == 7
    assert len(seen) == 2


def test_attention_that_takes_the_batch_elsewhere_is_another_call() -> None:
    x = torch.empty(1, 5, 8, device="meta")
    first, second = (
        counted_once(module(nn.MultiheadAttention(8, 2, batch_first=first).eval()), (x, x, x), {})
        for first in (True, False)
    )
    assert first.macs == 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8
    assert second.macs == 4 * 5 * 8 * 8 + 2 * 5 * 8  # five images of one token


class Powers(nn.Module):
    """Nothing in its description says how often it multiplies."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(self.times):
            x = x @ x
        return x


def test_code_that_nobody_knows_is_counted_each_time() -> None:
    x = torch.empty(1, 4, 4, device="meta")
    assert [counted_once(module(Powers(times)), (x,), {}).macs for times in (1, 3)] == [64, 192]


def test_what_fvcore_cannot_follow_is_named() -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("never")

    call = Call(target=broken, module=None, values=None)
    found = counted_once(call, (torch.empty(1, device="meta"),), {})
    assert found == Counted(macs=0, uncounted={"broken": 1})
    assert not call.known_free
    assert Call(target="relu_", module=None, values=None).known_free
    assert torch.equal(zeros_like(torch.empty(2, dtype=torch.int64, device="meta")), torch.tensor([0, 0]))
