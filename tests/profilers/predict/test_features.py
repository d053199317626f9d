"""What a duration depends on, as numbers."""

import numpy as np
import pytest

from splitsearch.profilers.predict.features import family, shape_features, work
from splitsearch.profilers.predict.kernel import Kernel


def conv(before: int, after: int, **fields: int) -> Kernel:
    return Kernel(
        kind="convolution", in_channels=before, out_channels=after, in_size=(8, 8), out_size=(4, 4), window=(3, 3),
        inputs=before * 64, outputs=after * 16, **fields,
    )  # fmt: skip


def test_families() -> None:
    kinds = {"dense": conv(16, 16), "depthwise": conv(16, 16, groups=16), "grouped": conv(16, 16, groups=4)}
    assert {name: family(kernel) for name, kernel in kinds.items()} == {name: name for name in kinds}
    assert family(Kernel(kind="pool")) == "pool"
    assert family(Kernel(kind="convolution", fused=("convtranspose2d",))) == "transposed"


def test_work_in_closed_form() -> None:
    weights = 32 * 16 * 9
    assert work(conv(16, 32)).tolist() == [1, weights * 16, 16 * 64, 32 * 16, weights]


def test_channels_are_computed_in_blocks() -> None:
    assert work(conv(20, 30)).tolist() == work(conv(32, 32)).tolist()
    assert np.array_equal(shape_features([conv(20, 30)]), shape_features([conv(32, 32)]))
    # Three channels of an image are read as they are; 18 fill no block and are computed as they are.
    assert work(conv(3, 16))[2] == 3 * 64
    assert work(conv(18, 16))[2] == 18 * 64


@pytest.mark.parametrize(("before", "after"), [(16, 64), (64, 16)])
def test_a_factor_of_two_is_one_step_in_its_own_feature(before: int, after: int) -> None:
    a, b = shape_features([conv(before, after), conv(before, 2 * after)])
    changed = np.nonzero(a != b)[0]
    assert changed.tolist() == [1]
    assert b[1] - a[1] == pytest.approx(0.25)
