"""Runs the phases of one training step by step, so that it can stop after any step, be kept, and go on bit-exactly.

What a step does follows from its number: which images, which view, which learning rate, which random numbers. So a
training that was interrupted needs its weights, their average and the moments of its optimiser, and nothing else, to go
on as if it had not been.
"""

import contextlib
import hashlib
import math
from collections.abc import Callable, Generator, Iterator, Sequence

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from splitsearch.searcher.training.average import Average
from splitsearch.searcher.training.phases import Batch, Optimiser, Phase, rate
from splitsearch.searcher.training.pieces import Piece, pieces, rung_bounds
from splitsearch.searcher.training.stepping import PLAIN, Stepper, Stepping
from splitsearch.searcher.training.tutor import Lesson
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.model import SplitModel

__all__ = ["Training"]

_MOMENTS = "optimiser"


class Training:
    """One candidate's training, from wherever it stands.

    Attributes:
        step: number of the next step.
        bounds: the step after which each rung is reached.
        steps_per_epoch: steps of one pass over the images; what does not fill a batch is left out, other images each
            time.
        learning_rate: of the last step.
    """

    def __init__(
        self, lesson: Lesson, phases: Sequence[Phase], stepping: Stepping = PLAIN, decay: float | None = None
    ) -> None:
        """Prepares the steps.

        Args:
            lesson: whose.
            phases: of its trainer.
            stepping: how a step is computed.
            decay: of the average of the weights; None for no average.
        """
        recipe = lesson.recipe
        self.lesson = lesson
        self.batch_size = min(recipe.batch_size, lesson.count)
        self.steps_per_epoch = max(1, lesson.count // self.batch_size)
        steps = max(len(recipe.rungs), round(recipe.epochs * self.steps_per_epoch))
        self.bounds = rung_bounds(steps, recipe.rungs)
        # A short training anneals before each rung, so that what is judged there is a finished training of its length.
        self._pieces = pieces(phases, [steps] if recipe.full else self.bounds)
        self.step = 0
        self.learning_rate = 0.0
        self._stepper = Stepper(lesson, stepping)
        self._average = None if decay is None else Average(self.learned(), decay)
        self._optimiser: torch.optim.Optimizer | None = None
        self._order: tuple[int, torch.Tensor] | None = None

    @property
    def samples(self) -> int:
        """Images seen so far, each as often as it was."""
        return self.step * self.batch_size

    @property
    def phase(self) -> str:
        """Name of the phase that the last step was of, or the first one will be of."""
        last = max(0, self.step - 1)
        return next(piece.phase.name for piece in self._pieces if piece.begin <= last < piece.end)

    @property
    def result(self) -> SplitModel:
        """The candidate as it is to be judged: with the average of its weights, where there is one."""
        model = self.lesson.student.model
        return model if self._average is None else self._average.of(model)

    def learned(self) -> dict[str, nn.Module]:
        """What a checkpoint must hold, by the names of stages."""
        model = self.lesson.student.model
        stages = (*model.stages, *((model.exit.stage,) if model.exit else ()))
        return {stage.name: stage.module for stage in stages if not stage.original}

    def advance(self, until: int, stop: Callable[[float], bool] = lambda loss: False) -> float | None:
        """Runs the steps up to a number; returns their mean loss, None if there were none.

        Args:
            until: number of the first step that is not run.
            stop: hears the loss of each step, and says whether it was the last one for now.

        Raises:
            InfeasibleError: the loss is no number any more.
        """
        losses: list[float] = []
        stopped = False
        while self.step < until and not stopped:
            piece = self._piece()
            with contextlib.closing(self._run(piece, min(until, piece.end))) as steps:
                for loss in steps:
                    losses.append(loss)
                    stopped = stop(loss)
                    if stopped:
                        break
        return sum(losses) / len(losses) if losses else None

    def state(self) -> tuple[dict[str, torch.Tensor], int]:
        """What is needed to go on: weights and moments by name, and the number of the next step."""
        tensors = {
            f"{stage}.{key}": value.clone()
            for stage, module in self.learned().items()
            for key, value in module.state_dict().items()
        }
        moments = {} if self._optimiser is None else self._optimiser.state_dict()["state"]
        for place, values in moments.items():
            tensors |= {
                f"{_MOMENTS}.{place}.{name}": value.clone() for name, value in values.items() if value is not None
            }
        averaged = {} if self._average is None else self._average.state()
        return tensors | averaged | self._stepper.state(), self.step

    def restore(self, tensors: dict[str, torch.Tensor], step: int) -> None:
        """Goes on from what `state` returned, in a training of the same candidate, recipe and seed."""
        for stage, module in self.learned().items():
            prefix = f"{stage}."
            own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            module.load_state_dict(own)
        self.step = step
        self._stepper.restore(tensors)
        if self._average is not None:
            self._average.restore(tensors)
        self._optimiser = None
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(f"{_MOMENTS}."):
                place, name = key.split(".")[1:]
                moments.setdefault(int(place), {})[name] = value
        if moments:
            piece = self._piece()
            optimiser = self.optimiser(piece, self._trained(piece.phase.learning))
            optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})

    def _piece(self) -> Piece:
        return next(piece for piece in self._pieces if piece.begin <= self.step < piece.end)

    def _run(self, piece: Piece, until: int) -> Generator[float, None, None]:
        """Steps of one piece; yields the loss of each, after which everything stands as a checkpoint wants it."""
        phase = piece.phase
        if self.step == piece.begin and piece.first and phase.start is not None:
            phase.start()
        with self._only(phase.learning) as trained, _averaging(phase.learning) as average:
            optimiser = self.optimiser(piece, trained)
            while self.step < until:
                if piece.first:
                    average(self.step - piece.begin)
                loss = self._one(piece, optimiser)
                self.step += 1
                if self.step == piece.end:
                    self._optimiser = None
                yield loss

    def _one(self, piece: Piece, optimiser: torch.optim.Optimizer) -> float:
        behind = (self.step - piece.begin) / max(1, piece.end - piece.begin)
        self.learning_rate = rate(piece.phase.optimiser, behind)
        for group in optimiser.param_groups:
            group["lr"] = self.learning_rate
        optimiser.zero_grad(set_to_none=True)
        loss = self._stepper.gradients(piece.phase, self._batch(), self._modules(piece.phase.learning))
        if not math.isfinite(loss):
            raise InfeasibleError(f"the training diverged: loss {loss} after {self.samples} samples")
        self._stepper.step(optimiser)
        if self._average is not None:
            self._average.update()
        return loss

    def optimiser(self, piece: Piece, trained: list[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser of a piece, with its moments if the piece has begun."""
        if self._optimiser is None:
            self._optimiser = _made(piece.phase.optimiser, trained)
        return self._optimiser

    def _batch(self) -> Batch:
        epoch, place = divmod(self.step, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(_number(self.lesson.seed, "epoch", epoch))
            self._order = (epoch, torch.randperm(self.lesson.count, generator=generator))
        indices = self._order[1][place * self.batch_size : (place + 1) * self.batch_size]
        return Batch(
            indices=indices,
            epoch=epoch,
            share=self.step / self.bounds[-1],
            draw=_number(self.lesson.seed, "step", self.step),
        )

    @contextlib.contextmanager
    def _only(self, learning: Sequence[nn.Module]) -> Iterator[list[nn.Parameter]]:
        """While it lasts, these modules learn and no other parameter has gradients."""
        modules, trained = self._modules(learning), self._trained(learning)
        chosen = {id(weight) for weight in trained}
        parts = [stage.module for stage in self.lesson.student.model.stages]
        frozen = [w for part in parts for w in part.parameters() if id(w) not in chosen and w.requires_grad]
        for weight in frozen:
            weight.requires_grad_(False)
        for module in modules:
            module.train()
        try:
            yield trained
        finally:
            for module in modules:
                module.eval()
            for weight in frozen:
                weight.requires_grad_(True)

    def _modules(self, learning: Sequence[nn.Module]) -> list[nn.Module]:
        """The exit's classifier learns in every phase, aside."""
        aside = self.lesson.student.model.exit
        return [*learning, *([aside.stage.module] if aside else [])]

    def _trained(self, learning: Sequence[nn.Module]) -> list[nn.Parameter]:
        """Each once: two stretches of one head are graphs over the same modules."""
        weights = (weight for module in self._modules(learning) for weight in module.parameters())
        return list({id(weight): weight for weight in weights}.values())


@contextlib.contextmanager
def _averaging(learning: Sequence[nn.Module]) -> Iterator[Callable[[int], None]]:
    """Norm statistics of the first batches are their mean, and then the layers' own moving average.

    A running mean with momentum 0.1 still holds a fifth of where it started after fifteen steps, and an early rung is
    over by then.
    """
    norms = {norm for module in learning for norm in module.modules() if isinstance(norm, _BatchNorm)}
    momenta = {norm: norm.momentum for norm in norms}

    def average(behind: int) -> None:
        for norm, momentum in momenta.items():
            norm.momentum = None if momentum is None else max(momentum, 1 / (behind + 1))

    try:
        yield average
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum


def _number(seed: int, kind: str, number: int) -> int:
    return int(hashlib.sha256(f"{seed}:{kind}:{number}".encode()).hexdigest()[:8], 16)


def _made(wanted: Optimiser, trained: list[nn.Parameter]) -> torch.optim.Optimizer:
    if wanted.kind == "sgd":
        return torch.optim.SGD(
            trained, wanted.learning_rate, momentum=0.9, weight_decay=wanted.weight_decay, nesterov=wanted.nesterov
        )
    kind = torch.optim.AdamW if wanted.kind == "adamw" else torch.optim.Adam
    return kind(trained, wanted.learning_rate, weight_decay=wanted.weight_decay)
