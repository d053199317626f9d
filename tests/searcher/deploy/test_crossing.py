"""Integers of a batch to payloads and back."""

import numpy as np
import pytest

from splitsearch.searcher.deploy.crossing import packed, received
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError


@pytest.mark.parametrize(("bits", "kind"), [(3, np.uint8), (8, np.uint8), (16, np.int32), (32, np.float32)])
@pytest.mark.parametrize("coding", ["none", "zstd"])
def test_the_tail_takes_what_the_head_gave(bits: int, kind: type, coding: str) -> None:
    rng, config = (
        np.random.default_rng(0),
        SplitConfig(backbone="n", cut="1", head="original", channels=2, bits=bits, image_size=8, coding=coding),
    )
    given = {"payload": rng.integers(0, 2 ** min(bits, 8), (5, 2, 3, 3)).astype(kind)}
    if bits < 32:
        given |= {name: rng.random(5).astype(np.float32) for name in ("scale", "zero")}
    payloads = packed(given, config)
    assert all(len(payload) <= payload_bytes(18, bits) for payload in payloads)
    found = received(payloads, (2, 3, 3), bits)
    assert found.keys() == given.keys()
    for name, array in given.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_another_payload_is_refused() -> None:
    with pytest.raises(UserError, match="shorter than its header"):
        received([b"x"], (1, 1, 1), 8)
