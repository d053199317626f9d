"""Sums are corrected by parts like them."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from splitsearch.profilers.predict.anchors import Anchors
from splitsearch.profilers.predict.kernel import Kernel


def conv(channels: int) -> Kernel:
    return Kernel(kind="convolution", in_channels=channels, out_channels=channels, in_size=(8, 8), out_size=(8, 8))


def pool(side: int) -> Kernel:
    return Kernel(kind="pool", in_channels=16, out_channels=16, in_size=(side, side), out_size=(side, side))


def one_each(kernels: Sequence[Kernel]) -> list[float]:
    """A model that predicts a millisecond for everything."""
    return [1.0] * len(kernels)


CONVOLUTIONS = [[conv(16 * k), conv(32 * k)] for k in (1, 2, 4, 8)]
POOLS = [[pool(k), pool(2 * k)] for k in (4, 8, 16)]


def test_without_anchors_a_sum_stays_as_it_is() -> None:
    anchors = Anchors([], one_each)
    found = anchors.correct([anchors.see([conv(16)])])
    assert found.factor == 1
    assert 0.02 < found.deviation < 0.3


def test_parts_like_slow_ones_are_slow() -> None:
    slow = [(kernels, 1.2 * len(kernels)) for kernels in CONVOLUTIONS]
    right = [(kernels, 1.0 * len(kernels)) for kernels in POOLS]
    anchors = Anchors([*slow, *right], one_each)
    like_slow, like_right = (anchors.correct([anchors.see(kernels)]) for kernels in ([conv(24)], [pool(6)]))
    assert like_slow.factor == pytest.approx(1.2, abs=0.06)
    assert like_right.factor == pytest.approx(1.0, abs=0.06)
    strange = anchors.correct([anchors.see([Kernel(kind="softmax")])])
    assert strange.deviation > like_slow.deviation


def test_a_chain_is_seen_as_its_stages_together() -> None:
    anchors = Anchors([(kernels, 1.1 * len(kernels)) for kernels in (*CONVOLUTIONS, *POOLS)], one_each)
    parts = [anchors.see([conv(16), conv(64)]), anchors.see([pool(8)])]
    together = anchors.see([conv(16), conv(64), pool(8)])
    assert sum(part.ms for part in parts) == together.ms
    assert np.allclose(parts[0].like + parts[1].like, together.like)
    assert anchors.correct(parts).factor == pytest.approx(anchors.correct([together]).factor)
    assert anchors.correct(parts).deviation >= anchors.correct([together]).deviation - 1e-12


def test_deviations_cover_what_is_drawn() -> None:
    rng = np.random.default_rng(0)
    offs = rng.normal(0, 0.1, 40)
    parts = [([conv(16 * (k + 1))], math.exp(off)) for k, off in enumerate(offs)]
    covered = 0
    for held in range(0, 40, 2):
        anchors = Anchors([part for k, part in enumerate(parts) if k != held], one_each)
        found = anchors.correct([anchors.see(parts[held][0])])
        covered += abs(offs[held] - math.log(found.factor)) < 2 * found.deviation
    assert covered >= 17, "two deviations should cover some 19 of 20"


def test_nothing_takes_no_time() -> None:
    anchors = Anchors([([conv(16)], 1.0)], one_each)
    assert anchors.correct([anchors.see([])]).deviation == 0
