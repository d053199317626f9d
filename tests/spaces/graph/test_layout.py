"""Maps, tokens and vectors as maps."""

import pytest
import torch

from splitsearch.spaces.graph.layout import channels, from_map, is_supported, map_shape, positions, to_map


@pytest.mark.parametrize(
    ("shape", "as_map"),
    [((8, 4, 4), (8, 4, 4)), ((4, 4, 8), (8, 4, 4)), ((9, 8), (8, 9, 1)), ((8,), (8, 1, 1)), ((4, 4, 4), (4, 4, 4))],
)
def test_every_layout_becomes_a_map_and_back(shape: tuple[int, ...], as_map: tuple[int, int, int]) -> None:
    x = torch.randn(2, *shape)
    assert map_shape(shape) == as_map
    assert tuple(to_map(x, shape).shape[1:]) == as_map
    assert torch.equal(from_map(to_map(x, shape), shape), x)
    assert channels(shape) * positions(shape) == x[0].numel()


def test_more_than_three_dimensions_are_not_supported() -> None:
    assert is_supported((8, 4, 4))
    assert not is_supported((2, 8, 4, 4))
