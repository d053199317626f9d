"""The state in which fvcore counts."""

import warnings

import pytest
import torch

from splitsearch.profilers.counting.quiet import quiet


def test_warnings_stay_inside_and_attention_is_restored() -> None:
    before = torch.backends.mha.get_fastpath_enabled()

    def fail() -> None:
        with quiet():
            warnings.warn("heard by nobody", stacklevel=1)
            assert not torch.backends.mha.get_fastpath_enabled()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.backends.mha.get_fastpath_enabled() == before
