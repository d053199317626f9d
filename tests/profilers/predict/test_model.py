"""Kernels by a law that the model does not know."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from splitsearch.profilers.predict.features import work
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.profilers.predict.model import KernelModel

Taught = Sequence[tuple[str, tuple[Kernel, ...]]]
Law = Callable[[Kernel], float]


def never(kernel: Kernel) -> float:
    raise AssertionError(f"{kernel} is of a measured family")


def dense(before: int, after: int, side: int) -> Kernel:
    return Kernel(
        kind="convolution", in_channels=before, out_channels=after, in_size=(side, side), out_size=(side, side),
        window=(3, 3), macs=before * after * 9 * side**2, inputs=before * side**2, outputs=after * side**2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def grid() -> list[Kernel]:
    return [dense(b, a, s) for b in (16, 32, 64, 128) for a in (16, 32, 64, 128) for s in (7, 14, 28, 56)]


def test_unseen_kernels_between_measured_ones(grid: list[Kernel], the_law: Law) -> None:
    model = KernelModel([(kernel, the_law(kernel)) for kernel in grid], never)
    unseen = [dense(b, a, s) for b, a, s in ((48, 48, 14), (96, 64, 28), (32, 96, 56), (112, 112, 10))]
    for kernel, found in zip(unseen, model.predict(unseen), strict=True):
        assert found.ms == pytest.approx(the_law(kernel), rel=0.1)
        assert found.in_range
        assert abs(np.log(found.ms / the_law(kernel))) < 3 * found.deviation


def test_a_mean_of_work_that_stays_sane_far_away(grid: list[Kernel], the_law: Law) -> None:
    model = KernelModel([(kernel, the_law(kernel)) for kernel in grid], never)
    far = replace(dense(4096, 4096, 400), stride=7)
    near, distant = model.predict([grid[0], far])
    assert not distant.in_range
    assert distant.deviation > near.deviation
    # The law varies by 30 % around work; a model that extrapolated a curve would be off by powers of ten.
    assert distant.ms == pytest.approx(the_law(far), rel=0.6)


def test_more_work_never_takes_less_on_average(grid: list[Kernel], the_law: Law) -> None:
    model = KernelModel([(kernel, 2 * the_law(kernel)) for kernel in grid], never)
    small, large = model.predict([dense(16, 16, 7), dense(128, 128, 56)])
    assert small.ms < large.ms


def test_repetitions_count_by_their_median(the_law: Law, grid: list[Kernel]) -> None:
    rows = [(kernel, scale * the_law(kernel)) for kernel in grid for scale in (1.0, 1.0, 1.0, 40.0)]
    found = KernelModel(rows, never).predict(grid)
    # A mean would lie ten times above; the smallest take as long as the clock's tick, and are known less well.
    assert [estimate.ms for estimate in found] == pytest.approx([the_law(kernel) for kernel in grid], rel=0.1, abs=1e-3)


def test_the_same_file_gives_the_same_figures(grid: list[Kernel], the_law: Law) -> None:
    rows = [(kernel, the_law(kernel)) for kernel in grid]
    kernel = dense(24, 40, 20)
    assert KernelModel(rows, never).predict([kernel]) == KernelModel(rows, never).predict([kernel])


def test_what_was_never_measured_is_estimated_and_said_to_be() -> None:
    model = KernelModel([], lambda kernel: float(work(kernel)[2]))
    (found,) = model.predict([Kernel(kind="softmax", inputs=7, outputs=7)])
    assert (found.ms, found.in_range) == (7.0, False)
    assert found.deviation >= 0.3


def test_one_kernel_of_a_family_is_no_family(the_law: Law) -> None:
    kernel = dense(16, 16, 14)
    (found,) = KernelModel([(kernel, the_law(kernel))], never).predict([kernel])
    assert found.ms == pytest.approx(the_law(kernel))
    assert not found.in_range


def test_whole_networks_of_kernels(taught: Taught, the_law: Law) -> None:
    held = {"net 12 1", "net 32 2"}
    rows = [(kernel, the_law(kernel)) for name, kernels in taught if name not in held for kernel in kernels]
    model = KernelModel(rows, never)
    for name, kernels in taught:
        if name in held:
            ms = sum(estimate.ms for estimate in model.predict(kernels))
            assert ms == pytest.approx(sum(map(the_law, kernels)), rel=0.08)
