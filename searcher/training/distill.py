"""Short distillation of a candidate: its new parts learn to give what the teacher's parts give.

Head network distillation (Matsubara et al., 2020, equation 2) minimises the squared error to the teacher's activation
at the cut and leaves the tail frozen. The published loss is a sum over batch and elements; here it is the mean over
both, divided by the variance of the activation, so that one learning rate serves every cut, width and batch size.

A tail that is not the teacher's own (divided, pruned, shrunk) cannot answer for an imitated activation: it learns
afterwards from the teacher's logits and the labels (Hinton et al., 2015, at temperature 1 and equal weights).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.loops import Schedule, minimise
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.bottleneck.decoders import Decoder
from splitsearch.spaces.bottleneck.encoders import Encoder
from splitsearch.spaces.bottleneck.payload import Quantiser
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.layout import map_shape, to_map
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.registry import Registry

__all__ = ["TRAINERS", "Recipe", "Trainer", "Tutor"]


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


@TRAINERS.register("hnd")
def hnd(config: SplitConfig, model: SplitModel, tutor: Tutor, recipe: Recipe, seed: int) -> list[float]:
    """Trains what is new in a candidate, first against the teacher's activation at the cut.

    Args:
        config: the candidate.
        model: its stages; those that are not the backbone's own are changed in place.
        tutor: images and activations.
        recipe: how long each step of the training takes.
        seed: of the order of images.

    Returns:
        The mean loss of each epoch: relative squared error while imitating, then that of the logits.

    Raises:
        InfeasibleError: the training diverged.
    """
    student = Student(config=config, model=model, activations=tutor.activations)
    generator = torch.Generator().manual_seed(seed)
    curve: list[float] = []
    imitates = _imitates(student)
    if imitates:
        curve += _imitate(student, tutor, recipe, generator)
    if not student.keeps_tail:
        curve += _recover(student, tutor, recipe, generator, encoder_too=not imitates)
    if model.exit is not None:
        _train_exit(student, tutor, recipe, generator)
    return curve


def _imitates(student: Student) -> bool:
    """Whether the decoder gives a tensor that the teacher has; the lanes of a division meet in another."""
    restored = student.model.stage("decoder")
    assert restored is not None
    return restored.output_shape == tuple(student.target(torch.zeros(1, dtype=torch.long)).shape[1:])


def _imitate(student: Student, tutor: Tutor, recipe: Recipe, generator: torch.Generator) -> list[float]:
    learning = [*(stage.module for stage in student.learning_on_device), student.decoder]
    variance = _start(student, len(tutor.data.train.labels), generator)
    quantise = Quantiser(student.config.bits)

    def loss_of(indices: torch.Tensor) -> torch.Tensor:
        narrow, _ = student.narrow(indices)
        imitation: torch.Tensor = student.decoder(quantise(narrow))
        return (imitation - student.target(indices)).square().mean() / variance

    return _minimise(loss_of, learning, tutor, recipe, generator)


def _recover(
    student: Student, tutor: Tutor, recipe: Recipe, generator: torch.Generator, *, encoder_too: bool
) -> list[float]:
    learning = [student.decoder, student.tail]
    if encoder_too:
        learning += [stage.module for stage in student.learning_on_device]
    quantise = Quantiser(student.config.bits)

    def loss_of(indices: torch.Tensor) -> torch.Tensor:
        with torch.set_grad_enabled(encoder_too):
            narrow, _ = student.narrow(indices)
        logits = student.logits(quantise(narrow))
        teacher = tutor.activations.logits(indices).softmax(1)
        hard = functional.cross_entropy(logits, tutor.data.train.labels[indices])
        soft = functional.kl_div(logits.log_softmax(1), teacher, reduction="batchmean")
        return 0.5 * hard + 0.5 * soft

    return _minimise(loss_of, learning, tutor, recipe, generator)


def _train_exit(student: Student, tutor: Tutor, recipe: Recipe, generator: torch.Generator) -> None:
    """The exit's classifier learns last, on features that stay as they are."""
    assert student.model.exit is not None
    classifier = student.model.exit.stage.module

    def loss_of(indices: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            _, features = student.narrow(indices)
        logits: torch.Tensor = classifier(features)
        return functional.cross_entropy(logits, tutor.data.train.labels[indices])

    _minimise(loss_of, [classifier], tutor, recipe, generator)


def _minimise(
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    learning: Sequence[nn.Module],
    tutor: Tutor,
    recipe: Recipe,
    generator: torch.Generator,
) -> list[float]:
    curve: list[float] = []
    for module in learning:
        module.train()
    minimise(
        loss_of,
        _parameters(learning),
        Schedule(epochs=recipe.epochs, batch_size=recipe.batch_size, learning_rate=recipe.learning_rate),
        len(tutor.data.train.labels),
        generator,
        lambda epoch, loss: curve.append(loss),
    )
    for module in learning:
        module.eval()
    return curve


def _parameters(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """Each once: two segments of one head are graphs over the same module tree."""
    return list({id(weight): weight for module in modules for weight in module.parameters()}.values())


@torch.no_grad()
def _start(student: Student, count: int, generator: torch.Generator) -> float:
    """Starts from the principal components of the activation at the cut; returns that activation's variance."""
    sample = torch.randperm(count, generator=generator)[:256]
    activation = student.target(sample)
    shape = tuple(activation.shape[1:])
    rows = to_map(activation, shape).permute(0, 2, 3, 1).reshape(-1, map_shape(shape)[0])
    if len(rows) > 4096:
        rows = rows[torch.randperm(len(rows), generator=generator)[:4096]]
    mean = rows.mean(0)
    channels = student.config.channels
    rank = min(channels, *rows.shape)
    _, _, components = torch.svd_lowrank(rows - mean, q=min(rank + 8, *rows.shape), niter=4)
    components = nn.functional.pad(components[:, :rank], (0, channels - rank))
    for module in (*(stage.module for stage in student.learning_on_device), student.decoder):
        if isinstance(module, Encoder) and map_shape(module.shape)[0] != len(mean):
            continue  # the lanes of a divided head meet in a tensor of another width
        if isinstance(module, Encoder | Decoder):
            module.start_from(components, mean)
    return max(float(rows.var()), 1e-12)
