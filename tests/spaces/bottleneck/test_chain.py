"""Chains of layers as text."""

import contextlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.spaces.bottleneck.chain import GeneralisedDivisiveNormalisation, parse_chain
from splitsearch.spaces.errors import InfeasibleError, UserError

CONV = st.builds(
    "conv{}s{}p{}-{}".format,
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 2),
    st.sampled_from(["1", "8", "b", "c", "2c"]),
)
POOL = st.builds("{}pool{}s{}".format, st.sampled_from(["max", "avg"]), st.integers(1, 3), st.integers(1, 2))
TOKEN = st.one_of(CONV, POOL, st.sampled_from(["bn", "relu", "gdn", "igdn"]))
CHAINS = st.lists(TOKEN, min_size=1, max_size=6).map(" ".join)


@given(CHAINS)
def test_a_chain_written_and_read_again_is_the_same(text: str) -> None:
    chain = parse_chain(text)
    assert parse_chain(str(chain)) == chain


@given(CHAINS)
def test_the_shape_foretold_is_the_shape_built(text: str) -> None:
    chain = parse_chain(text)
    try:
        shape = chain.shape((3, 17, 17), 2, 4)
    except InfeasibleError:
        return
    with torch.no_grad():
        assert tuple(chain.build(3, 2, 4).eval()(torch.zeros(1, 3, 17, 17)).shape[1:]) == shape


@given(st.text(max_size=30))
def test_nothing_but_a_clear_refusal_for_any_text(text: str) -> None:
    with contextlib.suppress(UserError):
        assert parse_chain(text).layers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one layer"),
        ("bn cnv3-8", r"layer 2.*'cnv3-8'.*did you mean 'conv'"),
        ("conv3", "must name its output channels"),
        ("conv3-0", "must name its output channels"),
        ("conv3-x", "must name its output channels"),
        ("conv0-8", "kernel and a stride of at least 1"),
        ("maxpool2-8", "cannot change its channels"),
        ("maxpool2p2", "at most half its kernel"),
    ],
)
def test_what_is_no_layer_is_named(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_chain(text)


def test_a_map_that_vanishes_is_infeasible() -> None:
    with pytest.raises(InfeasibleError, match="4 x 4 is too small"):
        parse_chain("conv5-b").shape((3, 4, 4), 1, 1)


def test_the_normalisation_follows_its_formula() -> None:
    layer = GeneralisedDivisiveNormalisation(2)
    x = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    expected = torch.tensor([3 / (1 + 0.9) ** 0.5, 4 / (1 + 1.6) ** 0.5]).reshape(1, 2, 1, 1)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)
    inverse = GeneralisedDivisiveNormalisation(2, inverse=True)
    torch.testing.assert_close(inverse(x) * layer(x), x.square(), atol=1e-4, rtol=1e-4)
