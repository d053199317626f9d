"""Views of images: the same ones whoever asks, and what a view may change."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsearch.searcher.training.views import Views
from splitsearch.spaces.errors import UserError


def images(count: int = 40, side: int = 32) -> torch.Tensor:
    return torch.randint(1, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


ALL = torch.arange(40)


@pytest.mark.parametrize("side", [32, 64])
def test_a_view_depends_on_seed_view_and_index_alone(side: int) -> None:
    stored = images(side=side)
    whole = Views(3, flips=True).apply(stored, ALL, 1)
    some = torch.tensor([31, 4, 4, 17])
    assert torch.equal(Views(3, flips=True).apply(stored[some], some, 1), whole[some])
    later = torch.tensor([5000, 7])  # a larger table of draws begins like the smaller one
    assert torch.equal(Views(3, flips=True).apply(stored[[0, 7]], later, 1)[1], whole[7])
    assert not torch.equal(Views(3, flips=True).apply(stored, ALL, 2), whole)
    assert not torch.equal(Views(3, flips=True, seed=1).apply(stored, ALL, 1), whole)


def test_the_first_view_is_the_plain_image() -> None:
    stored = images()
    assert Views(3).apply(stored, ALL, 0) is stored
    assert Views(5, seed=3).key(0) == Views(1).key(0)
    assert Views(5, seed=3).key(1) != Views(5).key(1)
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match="view must be 0 to 2"):
            Views(3).apply(stored, ALL, wrong)
    assert len(Views(2).apply(stored[:0], ALL[:0], 1)) == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 63), st.integers(0, 100), st.booleans())
def test_a_small_image_is_shifted_by_at_most_an_eighth(side: int, seed: int, flips: bool) -> None:
    stored = images(6, side)
    margin = side // 8
    padded = torch.nn.functional.pad(stored, (margin,) * 4)
    seen = Views(2, flips=flips, seed=seed).apply(stored, torch.arange(6), 1)
    assert seen.dtype == torch.uint8
    for k in range(6):
        crops = [padded[k, :, y : y + side, x : x + side] for y in range(2 * margin + 1) for x in range(2 * margin + 1)]
        wanted = [seen[k], seen[k].flip(-1)] if flips else [seen[k]]
        assert any(torch.equal(crop, one) for crop in crops for one in wanted)


def test_half_of_the_views_are_mirrored_where_that_is_allowed() -> None:
    side, count = 16, 400
    ramp = torch.arange(side, dtype=torch.uint8).mul(10).add(10).expand(count, 3, side, side)
    for flips, low, high in ((True, 0.4, 0.6), (False, 0.0, 0.0)):
        seen = Views(2, flips=flips).apply(ramp, torch.arange(count), 1)
        mirrored = (seen[:, 0, 8, 5] > seen[:, 0, 8, 10]).float().mean()
        assert low <= float(mirrored) <= high


def test_a_large_image_is_magnified_by_what_its_area_and_ratio_allow() -> None:
    side, count = 64, 300
    line = torch.linspace(0, 252, side).to(torch.uint8)
    x = line.expand(count, 3, side, side).contiguous()
    both = [Views(2).apply(ramp, torch.arange(count), 1).float() for ramp in (x, x.mT.contiguous())]
    spans = [(ramp[:, 0].amax((1, 2)) - ramp[:, 0].amin((1, 2))) / 252 for ramp in both]
    area = spans[0] * spans[1]
    assert float(area.min()) > 0.05
    assert 0.4 < float(area.mean()) < 0.65
    ratio = spans[0] / spans[1]
    assert float(ratio.min()) > 3 / 4 - 0.06
    assert float(ratio.max()) < 4 / 3 + 0.1


def test_a_uniform_image_of_any_size_stays_uniform_where_nothing_is_padded() -> None:
    grey = torch.full((9, 3, 96, 96), 128, dtype=torch.uint8)
    assert torch.equal(Views(2).apply(grey, torch.arange(9), 1), grey)


def test_no_views_are_refused() -> None:
    with pytest.raises(UserError, match="--views must be at least 1, not 0"):
        Views(0)
