"""The second trainings of a front's candidates, at the end of a run; what was done is not done again on a resume."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from splitsearch.searcher.engine.finalists import choose_finalists, confirmed_document
from splitsearch.searcher.engine.front import write_front
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import Evaluator, checkpoint_path
from splitsearch.searcher.ground import Ground
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.searching import evaluator_of, header_of
from splitsearch.spaces.config import SplitConfig

__all__ = ["LONGER", "confirm"]

LONGER = 3
"""How many times as long as in the search a finalist trains, where nothing is said."""

_FACT = "confirmed"


def confirm(
    folder: Path, study: RunStudy, ground: Ground, document: dict[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Trains the finalists of a front again and writes the confirmed front.

    Args:
        folder: the run folder; the weights go to `checkpoints/confirmed`.
        study: keeps what the trainings gave.
        ground: of the run.
        document: the front of the search.
        reporter: hears what happens.

    Returns:
        The confirmed front, in the form of front.json.
    """
    settings, facts, results = ground.plan.settings, study.facts, study.results()
    header = header_of(ground, facts)
    known: dict[str, dict[str, Any]] = facts.get(_FACT, {})
    finalists = choose_finalists(header, document, results, settings.confirm)
    seed, epochs = settings.seed + 1, settings.confirm_epochs or LONGER * settings.epochs
    usual = evaluator_of(ground, folder / "checkpoints" / "confirmed")
    evaluator = replace(usual, seed=seed, recipe=replace(usual.recipe, epochs=epochs))
    again: dict[str, dict[str, Any]] = {}
    for done, finalist in enumerate(finalists):
        reporter.progress("finalists", done, len(finalists))
        found = known.get(finalist.key)
        if found is None or (found["seed"], found["epochs"]) != (seed, epochs):
            found = _train(evaluator, finalist) | {"seed": seed, "epochs": epochs}
            known = known | {finalist.key: found}
            study.describe({_FACT: known})
        again[finalist.key] = found
    reporter.progress("finalists", len(finalists), len(finalists))
    confirmed = confirmed_document(header, results, again)
    write_front(folder, confirmed)
    reporter.say(
        f"{len(finalists)} candidates of the front were trained again: {len(confirmed['front'])} of them are the "
        "confirmed front"
    )
    return confirmed


def _train(evaluator: Evaluator, finalist: TrialResult) -> dict[str, Any]:
    result = evaluator.evaluate(finalist.trial, SplitConfig.from_json(finalist.config))
    if result.state != "complete" or result.accuracy_interval is None:
        return {"reason": result.reason or result.state, "seconds": result.seconds}
    return {
        "accuracy": result.values["accuracy"],
        "accuracy_interval": list(result.accuracy_interval),
        "seconds": result.seconds,
        "checkpoint": str(checkpoint_path(Path("checkpoints") / "confirmed", finalist.trial)),
    }
