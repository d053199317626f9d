"""What every candidate of a run learns from, and one candidate's lesson: the tensors that its losses are made of."""

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.phases import Batch
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.student import Student, views_of
from splitsearch.spaces.bottleneck.payload import Quantiser

__all__ = ["Lesson", "Tutor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tutor:
    """What candidates learn from: training images and the teacher's activations on them."""

    data: Dataset
    activations: Activations


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One candidate in front of its teacher.

    Attributes:
        student: the candidate; what of it learns are its own copies.
        tutor: images and activations.
        recipe: how long and how fast.
        seed: decides the order of images.
        foreign_tail: whether the tail is not the teacher's network: divided, pruned or shrunk.
        bits: bit-widths of the candidates that share the training, the own one among them.
        variances: of the teacher's tensors, as far as they were asked for.
        features: what entered the exit in this step: its classifier learns from what ran anyway.
    """

    student: Student
    tutor: Tutor
    recipe: Recipe
    seed: int
    foreign_tail: bool
    bits: tuple[int, ...] = ()
    variances: dict[str, float] = field(default_factory=dict)
    features: list[torch.Tensor] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Training images."""
        return len(self.tutor.data.train.labels)

    @property
    def on_device(self) -> tuple[nn.Module, ...]:
        """The modules on the device that learn."""
        return tuple(stage.module for stage in self.student.learning_on_device)

    @property
    def imitates(self) -> bool:
        """Whether the decoder gives a tensor that the teacher has; the lanes of a division meet in another."""
        restored = self.student.model.stage("decoder")
        assert restored is not None
        return restored.output_shape == tuple(self.student.target(torch.zeros(1, dtype=torch.long)).shape[1:])

    def labels(self, batch: Batch) -> torch.Tensor:
        """(N,) int64."""
        return self.tutor.data.train.labels[batch.indices].to(self.tutor.activations.device)

    def view(self, batch: Batch, member: int = 0) -> int:
        """Which view of the images a member sees in this epoch: another one for each, where there are several."""
        return (batch.epoch * self.student.members + member) % views_of(self.tutor.activations)

    def variance(self, cut: str, sample: int = 256) -> float:
        """Variance of the teacher's tensor at a cut around the means of its channels, from some images; above 0."""
        if cut not in self.variances:
            generator = torch.Generator().manual_seed(self.seed)
            indices = torch.randperm(self.count, generator=generator)[:sample]
            tensor = self.student.target(indices, cut=cut).float()
            places = [dim for dim in range(tensor.dim()) if dim != 1] if tensor.dim() == 4 else [0]
            self.variances[cut] = max(float((tensor - tensor.mean(places, keepdim=True)).square().mean()), 1e-12)
        return self.variances[cut]

    def received(self, batch: Batch, member: int = 0, *, frozen: bool = False) -> torch.Tensor:
        """What the server receives, (N, channels, h, w).

        Args:
            batch: of images.
            member: whose view of them.
            frozen: whether the device's side does not learn.
        """
        with torch.set_grad_enabled(not frozen and torch.is_grad_enabled()):
            narrow, features = self.student.narrow(batch.indices, self.view(batch, member))
            if features is not None:
                self.features[:] = [features.detach()]
            received: torch.Tensor = Quantiser(self._bits(batch))(narrow)
            return received

    def exit_loss(self, batch: Batch) -> torch.Tensor | None:
        """Cross-entropy of the exit on features that do not learn from it; None without an exit."""
        model = self.student.model
        if model.exit is None or not self.features:
            return None
        logits: torch.Tensor = model.exit.stage.module(self.features.pop())
        return functional.cross_entropy(logits.float(), self.labels(batch))

    def answers(self, batch: Batch, *, frozen: bool = False) -> list[torch.Tensor]:
        """The logits (N, K) of each member of the tail, each on a view of its own where there are several."""
        student, known = self.student, {}
        found = []
        for member in range(student.members):
            view = self.view(batch, member)
            if view not in known:
                known[view] = student.decoder(self.received(batch, member, frozen=frozen))
            found.append(student.member_logits(known[view], member))
        return found

    def _bits(self, batch: Batch) -> int:
        wanted = self.recipe.bits
        if wanted == "own":
            return self.student.config.bits
        if wanted == "drawn":
            return self.bits[batch.draw % len(self.bits)] if self.bits else self.student.config.bits
        return wanted
