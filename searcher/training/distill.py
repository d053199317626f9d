"""Short distillation of a candidate: its encoder and decoder learn to give the tail what the teacher's head gives.

Head network distillation (Matsubara et al., 2020, equation 2) minimises the squared error to the teacher's activation
at the cut and leaves the tail frozen. The published loss is a sum over batch and elements; here it is the mean over
both, divided by the variance of the activation, so that one learning rate serves every cut, width and batch size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.loops import Schedule, minimise
from splitsearch.spaces.bottleneck.linear import Decoder, Encoder
from splitsearch.spaces.bottleneck.payload import Quantiser
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.layout import map_shape, to_map
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.registry import Registry

__all__ = ["TRAINERS", "Recipe", "Trainer", "Tutor", "encoder_inputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A short training.

    Attributes:
        epochs: passes over the training images.
        batch_size: images in one step.
        learning_rate: peak of the one-cycle schedule.
    """

    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 3e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tutor:
    """What candidates learn from: training images and the teacher's activations on them."""

    data: Dataset
    activations: Activations


Trainer = Callable[[SplitConfig, SplitModel, Tutor, Recipe, int], list[float]]
TRAINERS: Registry[Trainer] = Registry("trainer")


def encoder_inputs(
    config: SplitConfig, images: torch.Tensor, activations: Activations, indices: torch.Tensor
) -> torch.Tensor:
    """What enters the trained encoder: the image for a mimic head, else the backbone's own activation at the cut."""
    if config.head == "mimic":
        return normalise(images[indices])
    return activations.at(config.cut, indices)


@TRAINERS.register("hnd")
def hnd(config: SplitConfig, model: SplitModel, tutor: Tutor, recipe: Recipe, seed: int) -> list[float]:
    """Trains encoder and decoder against the teacher's activation at the cut.

    Args:
        config: the candidate.
        model: its stages; encoder and decoder are changed in place.
        tutor: images and activations.
        recipe: how long.
        seed: of the order of images.

    Returns:
        The mean relative squared error of each epoch.

    Raises:
        InfeasibleError: the training diverged.
    """
    encoder, decoder = _module(model, "encoder"), _module(model, "decoder")
    generator = torch.Generator().manual_seed(seed)
    count = len(tutor.data.train.labels)
    variance = _start(config, encoder, decoder, tutor, generator)
    quantise = Quantiser(config.bits)

    def loss_of(indices: torch.Tensor) -> torch.Tensor:
        inputs = encoder_inputs(config, tutor.data.train.images, tutor.activations, indices)
        target = inputs if config.head == "original" else tutor.activations.at(config.cut, indices)
        imitation: torch.Tensor = decoder(quantise(encoder(inputs)))
        return (imitation - target).square().mean() / variance

    curve: list[float] = []
    encoder.train()
    decoder.train()
    minimise(
        loss_of,
        [*encoder.parameters(), *decoder.parameters()],
        Schedule(epochs=recipe.epochs, batch_size=recipe.batch_size, learning_rate=recipe.learning_rate),
        count,
        generator,
        lambda epoch, loss: curve.append(loss),
    )
    encoder.eval()
    decoder.eval()
    return curve


def _module(model: SplitModel, name: str) -> nn.Module:
    stage = model.stage(name)
    assert stage is not None, f"a candidate has a stage {name}"
    return stage.module


@torch.no_grad()
def _start(
    config: SplitConfig, encoder: nn.Module, decoder: nn.Module, tutor: Tutor, generator: torch.Generator
) -> float:
    """Starts from the principal components of the activation at the cut; returns that activation's variance."""
    count = len(tutor.data.train.labels)
    sample = torch.randperm(count, generator=generator)[:256]
    activation = tutor.activations.at(config.cut, sample)
    shape = tuple(activation.shape[1:])
    rows = to_map(activation, shape).permute(0, 2, 3, 1).reshape(-1, map_shape(shape)[0])
    if len(rows) > 4096:
        rows = rows[torch.randperm(len(rows), generator=generator)[:4096]]
    mean = rows.mean(0)
    rank = min(config.channels, *rows.shape)
    _, _, components = torch.svd_lowrank(rows - mean, q=min(rank + 8, *rows.shape), niter=4)
    components = nn.functional.pad(components[:, :rank], (0, config.channels - rank))
    if isinstance(encoder, Encoder):
        encoder.start_from(components, mean)
    if isinstance(decoder, Decoder):
        decoder.start_from(components, mean)
    return max(float(rows.var()), 1e-12)
