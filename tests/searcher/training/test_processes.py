"""One training in several processes."""

import pytest
import torch
from torch import nn

from splitsearch.searcher.training.processes import ALONE, ElsewhereError, Processes, joined
from splitsearch.spaces.errors import UserError


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_image_of_a_batch_is_one_process_s_own(count: int) -> None:
    batch = torch.randperm(16)
    shares = [Processes(rank=rank, count=count).share(batch) for rank in range(count)]
    assert torch.equal(torch.cat(shares).sort().values, torch.arange(16))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_there_is_nothing_to_agree_on() -> None:
    module = nn.Linear(2, 2)
    before = module.weight.clone()
    ALONE.unify(module)
    assert torch.equal(module.weight, before)
    assert ALONE.total([0.1, 2.0]) == [0.1, 2.0]
    assert ALONE.first_then_rest(lambda: 7) == 7


class Recorded(Processes):
    """Two processes of which the other has failed, or not."""

    failed = 0.0

    def total(self, values: list[float]) -> list[float]:  # type: ignore[override]
        type(self).said = list(values)  # type: ignore[attr-defined]
        return [value + self.failed for value in values]


def test_the_rest_waits_for_the_first_and_ends_quietly_with_it() -> None:
    rest = Recorded(rank=1, count=2)
    assert rest.first_then_rest(lambda: 7) == 7
    Recorded.failed = 1.0
    try:
        with pytest.raises(ElsewhereError):
            rest.first_then_rest(lambda: pytest.fail("it must not begin"))
    finally:
        Recorded.failed = 0.0

    def wrong() -> None:
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        Recorded(rank=0, count=2).first_then_rest(wrong)
    assert Recorded.said == [1.0]  # type: ignore[attr-defined]


def test_one_process_speaks_for_all() -> None:
    ALONE.require_first()
    Processes(rank=0, count=2).require_first()
    with pytest.raises(ElsewhereError):
        Processes(rank=1, count=2).require_first()


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as processes:
        assert (processes.rank, processes.count, processes.device.type) == (0, 1, "cpu")
        assert processes.is_first
