"""Kernels are values."""

from splitsearch.profilers.predict.kernel import KINDS, Kernel


def test_equal_kernels_are_one_key() -> None:
    assert len({Kernel(kind="convolution", macs=3), Kernel(kind="convolution", macs=3), Kernel(kind="linear")}) == 2
    assert len(set(KINDS)) == len(KINDS)
