"""A Matern kernel whose columns share lengths in groups: what the columns of one parameter are has one answer.

A parameter of names is a column for each of them. With a length for each column a few trials say next to nothing of
any; with one for all, they soon say whether these names tell more than the order that stands beside them.
"""

from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import Matern

from splitsearch.searcher.engine.samplers.attainment import Array

__all__ = ["TiedMatern"]


class TiedMatern(Matern):  # type: ignore[misc]  # scikit-learn has no types
    """Matern 5/2 with a length for each group of columns.

    Args:
        length_scale: (groups,).
        length_scale_bounds: of each.
        groups: the group of each column, from 0 on; all groups have columns.
    """

    def __init__(
        self,
        length_scale: Array,
        length_scale_bounds: tuple[float, float] = (1e-5, 1e5),
        groups: tuple[int, ...] = (),
    ) -> None:
        super().__init__(length_scale, length_scale_bounds, nu=2.5)
        self.groups = groups

    def __call__(
        self,
        X: Array,
        Y: Array | None = None,
        eval_gradient: bool = False,
    ) -> Any:
        """Covariances (n, m); with `eval_gradient` also their slopes by the logarithms of lengths, (n, n, groups)."""
        group = np.array(self.groups, dtype=np.intp)
        wide = Matern(np.atleast_1d(self.length_scale)[group], self.length_scale_bounds, nu=2.5)
        if not eval_gradient:
            return wide(X, Y)
        covariance, slopes = wide(X, Y, eval_gradient=True)
        slopes = slopes.reshape(*covariance.shape, len(group))
        return covariance, np.stack([slopes[..., group == one].sum(axis=-1) for one in range(group.max() + 1)], axis=-1)
