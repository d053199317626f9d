"""What a launch is known by."""

from torch import nn

from splitsearch.profilers.predict.describe import operators_of
from splitsearch.profilers.predict.launch import Launch


def test_padding_does_not_decide_what_a_kernel_does() -> None:
    pad, conv, relu = operators_of(nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, 4, 3), nn.ReLU()).eval(), (3, 8, 8))
    launch = Launch(kernel=conv.kernel, operators=(pad, conv, relu), sources=(None,))
    assert (launch.main, launch.last) == (conv, relu)
    assert Launch(kernel=pad.kernel, operators=(pad,)).main is pad
