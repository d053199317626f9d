"""Columns that share a length."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import Matern

from splitsearch.searcher.engine.samplers.kernel import TiedMatern

ROWS = np.random.default_rng(0).uniform(size=(9, 4))


def test_it_is_a_matern_kernel_whose_columns_have_the_length_of_their_group() -> None:
    tied = TiedMatern(np.array([0.5, 2.0]), groups=(0, 1, 1, 1))
    plain = Matern(np.array([0.5, 2.0, 2.0, 2.0]), nu=2.5)
    assert tied(ROWS) == pytest.approx(plain(ROWS))
    assert tied(ROWS[:2], ROWS) == pytest.approx(plain(ROWS[:2], ROWS))
    assert tied.n_dims == 2


def test_its_slopes_are_those_of_its_values() -> None:
    lengths, step = np.array([0.5, 2.0, 0.9]), 1e-6
    _, slopes = TiedMatern(lengths, groups=(0, 1, 1, 2))(ROWS, eval_gradient=True)
    assert slopes.shape == (9, 9, 3)
    for group in range(3):
        longer = lengths * np.exp(step * (np.arange(3) == group))
        rise = (TiedMatern(longer, groups=(0, 1, 1, 2))(ROWS) - TiedMatern(lengths, groups=(0, 1, 1, 2))(ROWS)) / step
        assert slopes[..., group] == pytest.approx(rise, abs=1e-5)


def test_one_group_and_copies_are_no_trouble() -> None:
    one = TiedMatern(np.array([0.7]), (1e-2, 1e2), groups=(0, 0, 0, 0))
    covariance, slopes = one(ROWS, eval_gradient=True)
    assert (covariance.shape, slopes.shape) == ((9, 9), (9, 9, 1))
    moved = one.clone_with_theta(np.log([1.4]))
    assert moved(ROWS) == pytest.approx(Matern(1.4, nu=2.5)(ROWS))
