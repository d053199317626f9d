"""The front confirmed: its candidates trained again, longer and with another seed, and judged by that.

A search picks the best of many noisy accuracies, and so the lucky ones. A second training knows nothing of that luck.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from splitsearch.searcher.engine.front import FrontHeader, front_document, scaled_hypervolume
from splitsearch.searcher.engine.results import TrialResult

__all__ = ["choose_finalists", "confirmed_document"]


def choose_finalists(
    header: FrontHeader, document: dict[str, Any], results: Sequence[TrialResult], count: int
) -> list[TrialResult]:
    """The candidates of a front that are the most useful: those that no baseline dominates, then those that add most.

    Args:
        header: of the front.
        document: front.json.
        results: of the study; those of the front are among them.
        count: how many; all if there are fewer.
    """
    by_trial = {result.trial: result for result in results}
    members = [by_trial[entry["trial"]] for entry in document["front"]]
    free = {entry["trial"] for entry in document["front"] if not entry["dominated_by_baselines"]}
    whole = scaled_hypervolume(header, members)

    def added(member: TrialResult) -> float:
        return whole - scaled_hypervolume(header, [other for other in members if other is not member])

    order = sorted(members, key=lambda member: (member.trial not in free, -added(member), member.trial))
    return order[:count]


def confirmed_document(
    header: FrontHeader, results: Sequence[TrialResult], again: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """front.json with the confirmed front, and the front of the search beside it.

    Args:
        header: of the front.
        results: of the study.
        again: key of a finalist to what its second training gave: `accuracy`, `accuracy_interval`, `seed`, `epochs`,
            `seconds`, `checkpoint`; or `reason`, if it broke.
    """
    document = front_document(header, results)
    first: dict[str, TrialResult] = {}
    for result in results:
        if result.state == "complete" and result.repeat_of is None:
            first.setdefault(result.key, result)
    finalists = [_judged(first[key], found) for key, found in again.items() if key in first and "accuracy" in found]
    confirmed = front_document(header, finalists)
    for entry in confirmed["front"]:
        entry["confirmed"] = again[entry["key"]] | {"search_accuracy": first[entry["key"]].values["accuracy"]}
    failed = {key: found["reason"] for key, found in again.items() if "reason" in found}
    facts = {"search_front": document["front"], "confirmation": {"finalists": len(again), "failed": failed}}
    judged = ("front", "hypervolume", "verdict") if finalists else ()
    return document | {name: confirmed[name] for name in judged} | facts


def _judged(result: TrialResult, found: dict[str, Any]) -> TrialResult:
    return replace(
        result,
        values=result.values | {"accuracy": found["accuracy"]},
        accuracy_interval=tuple(found["accuracy_interval"]),
    )
