"""Every operator as a kernel of its own."""

import torch
from torch import nn

from splitsearch.profilers.counting.operators import operator_costs
from splitsearch.profilers.predict.describe import operators_of, stretch_of
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.spaces.graph.cuts import find_cuts, split_at
from splitsearch.spaces.variants.variants import Variants


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, 2, 1, groups=2)
        self.pool = nn.MaxPool2d(3, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x) + self.pool(x).contiguous()


def test_shapes_windows_and_counts() -> None:
    conv, pool, add = operators_of(Residual().eval(), (4, 8, 8))
    assert conv.kernel == Kernel(
        kind="convolution", in_channels=4, out_channels=4, in_size=(8, 8), out_size=(4, 4), window=(3, 3), stride=2,
        groups=2, macs=4 * 2 * 9 * 16, parameters=4 * 2 * 9 + 4, inputs=256, outputs=64,
    )  # fmt: skip
    assert (pool.kernel.kind, pool.kernel.window, pool.kernel.stride) == ("pool", (3, 3), 2)
    assert (add.name, add.kernel.kind, add.kernel.inputs, add.kernel.outputs) == ("add", "elementwise", 128, 64)


def test_views_are_followed_through() -> None:
    conv, pool, add = operators_of(Residual().eval(), (4, 8, 8))
    assert add.sources == (conv, pool)
    assert (conv.users, pool.users, add.users) == ([add], [add], [None])
    assert conv.sources == pool.sources == (None,)


def test_channels_last_are_positions_and_features() -> None:
    (linear,) = operators_of(nn.Sequential(nn.Linear(8, 6)).eval(), (5, 8))
    assert (linear.kernel.in_channels, linear.kernel.out_channels, linear.kernel.in_size) == (8, 6, (5, 1))


def test_adaptive_pooling_sees_its_share() -> None:
    (pool,) = operators_of(nn.Sequential(nn.AdaptiveAvgPool2d(2)).eval(), (4, 8, 8))
    assert (pool.kernel.window, pool.kernel.stride) == ((4, 4), 4)


def test_what_is_counted_is_what_is_described(variants: Variants) -> None:
    costs = operator_costs(variants.graph.module, (3, 32, 32))
    found = operators_of(variants.graph.module, (3, 32, 32))
    assert [operator.node for operator in found] == list(costs)
    assert [operator.kernel.macs for operator in found] == [cost.macs for cost in costs.values()]


def test_a_stretch_is_what_a_part_cut_out_is(variants: Variants) -> None:
    whole = operators_of(variants.graph.module, (3, 32, 32))
    for cut in find_cuts(variants.graph, "all")[:-1]:
        head, tail = split_at(variants.graph, cut)
        names = [{node.name for node in part.graph.nodes} for part in (head, tail)]
        for part, nodes, shape in ((head, names[0], (3, 32, 32)), (tail, names[1], cut.shape)):
            described = operators_of(part, shape)
            taken = stretch_of(whole, nodes)
            assert [operator.kernel for operator in taken] == [operator.kernel for operator in described]
            assert [len(operator.users) for operator in taken] == [len(operator.users) for operator in described]
