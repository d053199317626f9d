"""One trial: profile, refuse or distil, validate. Whatever goes wrong with one candidate stays with that candidate."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from splitsearch.profilers.pool import Pool
from splitsearch.profilers.profile import Profile, Target
from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.engine.files import write_bytes_atomic
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.statistics import wilson_interval
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import Recipe, Trainer, Tutor
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.searcher.training.validate import Validation, validate
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.model import SplitModel

__all__ = ["Evaluator", "checkpoint_path"]


def checkpoint_path(folder: Path, trial: int) -> Path:
    """Where the encoder and decoder of a trial lie."""
    return folder / f"trial-{trial:05d}.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """All that the trials of a run share.

    Attributes:
        teacher: whose head is imitated and whose tail answers.
        tutor: training images and activations.
        validation: activations of the validation images.
        pool: costs of every candidate.
        target: on what they were costed.
        budgets: limits on costs and accuracy.
        trainer: how encoder and decoder learn.
        recipe: for how long.
        seed: of the run; with the candidate's key it decides initialisation and order.
        checkpoints: folder for encoder and decoder weights.
    """

    teacher: Teacher
    tutor: Tutor
    validation: Activations
    pool: Pool
    target: Target
    budgets: Budgets
    trainer: Trainer
    recipe: Recipe
    seed: int
    checkpoints: Path

    def evaluate(
        self, number: int, config: SplitConfig, *, stop: Callable[[Any], str | None] = lambda standing: None
    ) -> TrialResult:
        """Evaluates one candidate; what is infeasible comes back pruned with the reason, without any training.

        Args:
            number: of the trial.
            config: the candidate.
            stop: asked after each rung but the last; a training of one rung has no other.
        """
        watch = Stopwatch()
        try:
            profile = self.pool.get(config)
        except InfeasibleError as error:
            return self.refuse(number, config, str(error))
        bound = "exact" if config.coding == "none" else "upper bound"
        known = _costed(_blank(number, config, "failed", None), profile, payload_source=bound)
        broken = self.budgets.violations(known.values)
        if broken:
            return replace(known, state="pruned", reason="; ".join(broken))
        seed = int(hashlib.sha256(f"{self.seed}:{config.key}".encode()).hexdigest()[:8], 16)
        torch.manual_seed(seed)
        try:
            try:
                model = assemble(config, self.teacher.variants, seed)
            except (InfeasibleError, UserError) as error:  # the settings were checked: this candidate is wrong
                return replace(known, state="pruned", reason=str(error), seconds=watch.seconds)
            result = self._train(known, profile, model, seed)
        except InfeasibleError as error:
            result = replace(known, reason=str(error))
        except RuntimeError as error:  # torch reports exhausted memory so; one candidate must not end the search
            result = replace(known, reason=str(error).strip().splitlines()[0])
        return replace(result, seconds=watch.seconds)

    def refuse(self, number: int, config: SplitConfig, reason: str) -> TrialResult:
        """The result of a candidate that cannot exist, with the reason."""
        return _blank(number, config, "pruned", reason)

    def _train(self, known: TrialResult, profile: Profile, model: SplitModel, seed: int) -> TrialResult:
        config = SplitConfig.from_json(known.config)
        curve = self.trainer(config, model, self.tutor, self.recipe, seed)
        found = validate(config, model, self.tutor.data, self.validation)
        profile = _sent(profile, found, self.target)
        result = replace(
            _costed(known, profile, payload_source="measured"),
            state="complete",
            values=_values(profile, found),
            accuracy_interval=wilson_interval(found.accuracy, found.images),
            curve=[{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(curve, start=1)],
        )
        drop = self.teacher.accuracy - found.accuracy
        limit = self.budgets.max_accuracy_drop
        if limit is not None and drop > limit:
            reason = f"accuracy drop {drop:.3f} is above the budget of {limit:g}"
            return replace(result, state="pruned", reason=reason)
        _save(model, checkpoint_path(self.checkpoints, known.trial))
        return result


def _blank(number: int, config: SplitConfig, state: str, reason: str | None) -> TrialResult:
    return TrialResult.from_json(
        {"trial": number, "state": state, "key": config.key, "config": config.to_json(), "reason": reason}
    )


def _costed(result: TrialResult, profile: Profile, *, payload_source: str) -> TrialResult:
    return replace(
        result,
        values=profile.values,
        latency=profile.latency.to_json() | {"payload_source": payload_source},
        macs={"device": profile.device_macs, "server": profile.server_macs},
        parameters={"device": profile.device_parameters, "server": profile.server_parameters},
    )


def _sent(profile: Profile, found: Validation, target: Target) -> Profile:
    """Transfer and radio of the bytes that were really sent: how far a coding compresses, only training can tell."""
    sending = 1.0 if found.exit_rate is None else 1 - found.exit_rate
    mean = found.payload_bytes / sending if sending else profile.payload_bytes
    return profile if mean == profile.payload_bytes else profile.resent(target, mean)


def _values(profile: Profile, found: Validation) -> dict[str, float]:
    """The objectives, now that accuracy, bytes and the share that leaves at the exit are measured."""
    measured = {"accuracy": found.accuracy, "payload_bytes": found.payload_bytes}
    if found.exit_rate is None:
        return profile.values | measured
    return profile.expected(found.exit_rate) | measured | {"exit_rate": found.exit_rate}


def _save(model: SplitModel, path: Path) -> None:
    """Keeps what was trained; parts that are the teacher's own lie in the cache."""
    stages = (*model.stages, *((model.exit.stage,) if model.exit else ()))
    tensors = {
        f"{stage.name}.{key}": value.clone()
        for stage in stages
        if not stage.original
        for key, value in stage.module.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(path, save(tensors))
