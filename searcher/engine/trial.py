"""One trial: profile, refuse or distil, validate. Whatever goes wrong with one candidate stays with that candidate."""

import gc
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import save

from splitsearch.profilers.pool import Pool
from splitsearch.profilers.profile import Profile, Target
from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.engine.climb import Climb, Stop, never
from splitsearch.searcher.engine.files import write_bytes_atomic
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.proxy import at_proxy, scaled_payload
from splitsearch.searcher.engine.realised import realised_values, sent
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.statistics import wilson_interval
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import Recipe, Trainer, Tutor, prepare
from splitsearch.searcher.training.loops import exhausted
from splitsearch.searcher.training.placement import CPU, placed
from splitsearch.searcher.training.processes import Processes
from splitsearch.searcher.training.rungs import Curve, drop, identity
from splitsearch.searcher.training.sharing import Families, training_key
from splitsearch.searcher.training.stepping import Stepping
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.searcher.training.validate import Validation, sweep
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.model import SplitModel

__all__ = ["Evaluated", "Evaluator", "checkpoint_path", "rung_folder"]


def checkpoint_path(folder: Path, trial: int) -> Path:
    """Where what a trial trained lies."""
    return folder / f"trial-{trial:05d}.safetensors"


def rung_folder(folder: Path, trial: int) -> Path:
    """Where a trial keeps the checkpoint of its last rung, and looks for one when it begins."""
    return folder / "rungs" / f"trial-{trial:05d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A trial, and what it found out beside.

    Attributes:
        result: of the candidate that was asked for.
        siblings: of the candidates of the pool that share its training and keep the budgets, at no cost of their own:
            `trained_by` names the trial, which is also their number until they have one. If the training was stopped,
            it was for all of them, and they are pruned with the reason.
    """

    result: TrialResult
    siblings: tuple[TrialResult, ...] = ()


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
        trainer: how candidates learn.
        recipe: for how long.
        seed: of the run; with the training's key it decides initialisation and order.
        checkpoints: folder for weights.
        proxy_size: side in pixels of the images that are trained and validated on in place of the real ones.
        device: where candidates train; the activations are there.
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
    proxy_size: int | None = None
    device: torch.device = CPU
    families: Families = field(default_factory=Families, repr=False)

    def evaluate(self, number: int, config: SplitConfig, *, stop: Stop = never) -> TrialResult:
        """Evaluates one candidate and says nothing of those that share its training."""
        return self._evaluate(number, config, stop, []).result

    def evaluate_family(self, number: int, config: SplitConfig, *, stop: Stop = never) -> Evaluated:
        """Evaluates one candidate and sweeps those of the pool that share its training.

        Args:
            number: of the trial.
            config: the candidate. What is infeasible comes back pruned with the reason, without any training.
            stop: is asked after each rung but the last; a reason ends the training, and the result is pruned with it.
        """
        return self._evaluate(number, config, stop, self._siblings(config))

    def _evaluate(self, number: int, config: SplitConfig, stop: Stop, siblings: list[SplitConfig]) -> Evaluated:
        watch = Stopwatch()
        try:
            profile = self.pool.get(config)
        except InfeasibleError as error:
            return Evaluated(result=self.refuse(number, config, str(error)))
        known = _costed(_blank(number, config, "failed", None), profile, payload_source=_bound(config))
        broken = self.budgets.violations(known.values)
        if broken:
            return Evaluated(result=replace(known, state="pruned", reason="; ".join(broken)))
        found = self._train(known, config, stop, siblings)
        if found.result.state == "failed":
            drop(rung_folder(self.checkpoints, number))
        return replace(found, result=replace(found.result, seconds=watch.seconds))

    def refuse(self, number: int, config: SplitConfig, reason: str) -> TrialResult:
        """The result of a candidate that cannot exist, with the reason."""
        return _blank(number, config, "pruned", reason)

    def _siblings(self, config: SplitConfig) -> list[SplitConfig]:
        """Where each trains at its own bit-width, those with other widths are other trainings."""
        found = self.families.siblings(config, self.pool.profiles)
        own = self.recipe.bits == "own"
        kept = [other for other in found if not own or other.bits == config.bits]
        return [other for other in kept if not self.budgets.violations(self.pool.get(other).values)]

    def _train(self, known: TrialResult, config: SplitConfig, stop: Stop, siblings: list[SplitConfig]) -> Evaluated:
        try:
            try:
                return self._trained(known, config, stop, siblings, self.recipe)
            except (RuntimeError, MemoryError) as error:
                if not exhausted(error) or self.recipe.batch_size < 4:
                    raise
            gc.collect()  # what the failed training held must be gone before the next one begins
            halved = replace(self.recipe, batch_size=self.recipe.batch_size // 2)
            return self._trained(known, config, stop, siblings, halved)
        except InfeasibleError as error:
            return Evaluated(result=replace(known, reason=str(error)))
        except (RuntimeError, MemoryError) as error:  # one candidate must not end the search
            reason = (str(error).strip().splitlines() or ["out of memory"])[0]
            return Evaluated(result=replace(known, reason=reason))

    def _trained(
        self, known: TrialResult, config: SplitConfig, stop: Stop, siblings: list[SplitConfig], recipe: Recipe
    ) -> Evaluated:
        key = training_key(config) if recipe.bits != "own" else config.key
        seed = int(hashlib.sha256(f"{self.seed}:{key}".encode()).hexdigest()[:8], 16)
        torch.manual_seed(seed)
        proxied = at_proxy(config, self.proxy_size)
        try:
            model = assemble(proxied, self.teacher.variants, seed)
        except (InfeasibleError, UserError) as error:  # the settings were checked: this candidate is wrong
            return Evaluated(result=replace(known, state="pruned", reason=str(error)))
        family = self.families.siblings(config, self.pool.profiles)
        bits = tuple(sorted({config.bits, *(other.bits for other in family)}))
        model, training = prepare(
            self.trainer,
            proxied,
            placed(model, self.device),
            self.tutor,
            recipe,
            seed=seed,
            bits=bits,
            stepping=Stepping(processes=Processes(device=self.device)),
        )
        climb = Climb(
            config=proxied,
            model=model,
            training=training,
            validation=self.validation,
            labels=self.tutor.data.val.labels,
            folder=rung_folder(self.checkpoints, known.trial),
            who=identity(key, recipe, seed, bits),
            family=(config, *siblings),
            price=lambda each, found: _objectives(*self._realised(each, model, found)),
        )
        curve, reason = climb.run(known.trial, known.values, stop)
        if reason is not None:
            drop(climb.folder)
            stopped = replace(known, state="pruned", reason=reason, curve=curve)
            return Evaluated(result=stopped, siblings=self._left_with(stopped, siblings))
        found = self._swept(known, config, siblings, model, curve)
        drop(climb.folder)
        return found

    def _left_with(self, stopped: TrialResult, siblings: Sequence[SplitConfig]) -> tuple[TrialResult, ...]:
        """Those that share a training which was stopped for all of them: else each would begin it anew."""
        why = f"shares the training of trial {stopped.trial}: {stopped.reason}"
        blanks = [_blank(stopped.trial, other, "pruned", why, trained_by=stopped.trial) for other in siblings]
        return tuple(
            _costed(blank, self.pool.get(other), payload_source=_bound(other))
            for other, blank in zip(siblings, blanks, strict=True)
        )

    def _swept(
        self, known: TrialResult, config: SplitConfig, siblings: list[SplitConfig], model: SplitModel, curve: Curve
    ) -> Evaluated:
        swept = [at_proxy(each, self.proxy_size) for each in (config, *siblings)]
        found = sweep(swept, model, self.tutor.data, self.validation)
        result = self._judged(known, config, model, found[0])
        low, high = result.accuracy_interval or (0.0, 1.0)
        last = curve[-1] | {"accuracy": found[0].accuracy, "low": low, "high": high}
        result = replace(result, curve=[*curve[:-1], last])
        others = tuple(
            self._judged(_blank(known.trial, other, "failed", None, trained_by=known.trial), other, model, validation)
            for other, validation in zip(siblings, found[1:], strict=True)
        )
        if any(each.state == "complete" for each in (result, *others)):
            _save(model, checkpoint_path(self.checkpoints, known.trial))
        return Evaluated(result=result, siblings=others)

    def _judged(self, known: TrialResult, config: SplitConfig, model: SplitModel, found: Validation) -> TrialResult:
        profile, found = self._realised(config, model, found)
        source = "measured"
        if self.proxy_size is not None:
            source = "exact" if config.coding == "none" else f"estimated from images of {self.proxy_size} px"
        result = replace(
            _costed(known, profile, payload_source=source),
            state="complete",
            values=_objectives(profile, found),
            accuracy_interval=wilson_interval(found.accuracy, found.images),
        )
        drop_in_accuracy = self.teacher.accuracy - found.accuracy
        limit = self.budgets.max_accuracy_drop
        if limit is not None and drop_in_accuracy > limit:
            reason = f"accuracy drop {drop_in_accuracy:.3f} is above the budget of {limit:g}"
            return replace(result, state="pruned", reason=reason)
        return result

    def _realised(self, config: SplitConfig, model: SplitModel, found: Validation) -> tuple[Profile, Validation]:
        """Costs of what was really sent, and what was validated, in the bytes of the images that are costed."""
        profile = self.pool.get(config)
        if self.proxy_size is not None:
            found = scaled_payload(found, model, config.bits, profile.payload_bytes)
        return sent(profile, self.target, found.payload_bytes, found.exit_rate), found


def _objectives(profile: Profile, found: Validation) -> dict[str, float]:
    return realised_values(profile, found.accuracy, found.payload_bytes, found.exit_rate)


def _bound(config: SplitConfig) -> str:
    """What the known payload is before training."""
    return "exact" if config.coding == "none" else "upper bound"


def _blank(
    number: int, config: SplitConfig, state: str, reason: str | None, *, trained_by: int | None = None
) -> TrialResult:
    facts = {"trial": number, "state": state, "key": config.key, "config": config.to_json(), "reason": reason}
    return TrialResult.from_json(facts | {"trained_by": trained_by})


def _costed(result: TrialResult, profile: Profile, *, payload_source: str) -> TrialResult:
    return replace(
        result,
        values=profile.values,
        latency=profile.latency.to_json() | {"payload_source": payload_source},
        macs={"device": profile.device_macs, "server": profile.server_macs},
        parameters={"device": profile.device_parameters, "server": profile.server_parameters},
    )


def _save(model: SplitModel, path: Path) -> None:
    """Keeps what was trained; parts that are the teacher's own lie in the cache."""
    stages = (*model.stages, *((model.exit.stage,) if model.exit else ()))
    tensors = {
        f"{stage.name}.{key}": value.cpu().clone()
        for stage in stages
        if not stage.original
        for key, value in stage.module.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(path, save(tensors))
