"""Augmentation that a cache can hold: each image has a fixed number of views, the same ones in every run.

View 0 is the plain image. View v > 0 draws its crop and its mirroring from (seed, v, index of the image), and from
nothing else: whatever the order of a training, and however many images a batch has, image i looks the same in view v,
so that what a teacher makes of it is computed once. Epoch e trains on view e mod V.

Below 64 px the crop is that of the CIFAR recipes (He et al., 2016, section 4.2): zeros around the image, an eighth of
its side wide, and a crop of the old size from it. From 64 px on it is that of the ImageNet recipes (Szegedy et al.,
2015, section 6): 8 to 100 % of the area at an aspect ratio of 3/4 to 4/3, stretched to the old size, bilinear. There
it is cut from the stored square, and a side that would leave the square is clipped, in place of another draw.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from splitsearch.spaces.errors import UserError

__all__ = ["Views"]

VERSION = 1
"""Of how views are drawn; whoever changes it counts it up."""

_SMALL = 64  # pixels of side below which images are shifted, and not magnified
_AREA = (0.08, 1.0)
_RATIO = (3 / 4, 4 / 3)
_KEPT = 8  # views whose draws stay in memory: a long training sees each of its views in one epoch alone
_DRAWS = 5  # random numbers per image: area, ratio, two offsets, mirroring


class Views:
    """Deterministic views of the images of one data set."""

    def __init__(self, count: int = 1, *, flips: bool = False, seed: int = 0) -> None:
        """Draws nothing yet.

        Args:
            count: of views, the plain one among them.
            flips: whether a view may be mirrored.
            seed: of the draws.

        Raises:
            UserError: there are no views.
        """
        if count < 1:
            raise UserError(f"--views must be at least 1, not {count}: the plain image is the first")
        self.count = count
        self.flips = flips
        self.seed = seed
        self._drawn: dict[int, npt.NDArray[np.float64]] = {}

    def key(self, view: int) -> dict[str, int | bool]:
        """What determines a view, for caches; the same for view 0 whatever the others are."""
        if view == 0:
            return {"view": 0}
        return {"view": view, "seed": self.seed, "flips": self.flips, "version": VERSION}

    def apply(self, images: torch.Tensor, indices: torch.Tensor, view: int) -> torch.Tensor:
        """Returns one view of each image.

        Args:
            images: uint8 (n, 3, S, S).
            indices: of these images in the data set, int64 (n,).
            view: 0 … `count` - 1.

        Returns:
            uint8 (n, 3, S, S).

        Raises:
            ValueError: there is no such view.
        """
        if not 0 <= view < self.count:
            raise ValueError(f"view must be 0 to {self.count - 1}, not {view}")
        if view == 0 or len(images) == 0:
            return images
        draws = torch.from_numpy(self._draws(view, int(indices.max()) + 1)[indices.cpu().numpy()]).to(images.device)
        seen = _shifted(images, draws) if images.shape[-1] < _SMALL else _magnified(images, draws)
        if not self.flips:
            return seen
        return torch.where((draws[:, 4] < 0.5)[:, None, None, None], seen.flip(-1), seen)

    def _draws(self, view: int, count: int) -> npt.NDArray[np.float64]:
        """Uniform numbers (at least `count`, 5); row i is the same however many there are."""
        if view not in self._drawn or len(self._drawn[view]) < count:
            rows = 1 << max(10, (count - 1).bit_length())
            while len(self._drawn) >= _KEPT:
                self._drawn.pop(next(iter(self._drawn)))
            self._drawn[view] = np.random.default_rng([self.seed, view]).random((rows, _DRAWS))
        return self._drawn[view]


def _shifted(images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """A crop of the old size from the image with zeros around it."""
    side = images.shape[-1]
    margin = side // 8
    padded = functional.pad(images, (margin,) * 4)
    places = torch.arange(side, device=images.device)
    top, left = ((draws[:, k] * (2 * margin + 1)).long()[:, None] + places for k in (2, 3))
    each = torch.arange(len(images), device=images.device)
    return padded.permute(0, 2, 3, 1)[each[:, None, None], top[:, :, None], left[:, None, :]].permute(0, 3, 1, 2)


def _magnified(images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """A rectangle of the image, stretched to the size of the whole."""
    area = _AREA[0] + draws[:, 0] * (_AREA[1] - _AREA[0])
    ratio = torch.exp(math.log(_RATIO[0]) + draws[:, 1] * math.log(_RATIO[1] / _RATIO[0]))
    width, height = ((area * r).sqrt().clamp(max=1.0) for r in (ratio, 1 / ratio))
    # Centres in the coordinates of grid_sample, where the image spans -1 to 1.
    x, y = (1 - width) * (2 * draws[:, 3] - 1), (1 - height) * (2 * draws[:, 2] - 1)
    zero = torch.zeros_like(x)
    rows = torch.stack([torch.stack([width, zero, x], 1), torch.stack([zero, height, y], 1)], 1).float()
    grid = functional.affine_grid(rows, list(images.shape), align_corners=False)
    seen = functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return seen.round_().clamp_(0, 255).to(torch.uint8)
