"""What has to be the same for all who work on one study: data, teacher, machines, network, space, programs."""

import hashlib
import json
import platform
from importlib.metadata import version
from typing import Any

from splitsearch.searcher.ground import Ground
from splitsearch.searcher.training.cache import module_digest
from splitsearch.spaces.errors import UserError

__all__ = ["VERSIONED", "agreement_of", "differences", "require_agreement", "versions"]

VERSIONED = ("splitsearch", "torch", "torchvision", "optuna", "fvcore", "numpy", "pandas")
_BINDING = ("splitsearch", "torch", "optuna")  # another release of these may train or sample otherwise


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in VERSIONED}


def agreement_of(ground: Ground) -> dict[str, Any]:
    """Digests of all that a trial depends on besides the settings, and versions."""
    target = ground.plan.target
    return {
        "data": ground.data.fingerprint,
        "teacher": module_digest(ground.teacher.graph.module),
        "device profile": _digest(target.device.to_json()),
        "server profile": _digest(target.server.to_json()),
        "network": _digest(target.network.to_json()),
        "space": _digest([ground.space.axes[name] for name in sorted(ground.space.axes)]),
        "versions": versions(),
    }


def differences(known: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What differs, in phrases; releases count by their first two numbers, and only of what binds.

    Args:
        known: of the study.
        found: of this process.
    """
    phrases = [
        f"{name} ({known[name][:8]} there, {found[name][:8]} here)"
        for name in known
        if name != "versions" and known[name] != found.get(name)
    ]
    theirs, ours = known.get("versions", {}), found["versions"]
    return phrases + [
        f"{name} {theirs[name]} there, {ours[name]} here"
        for name in _BINDING
        if name in theirs and _release(theirs[name]) != _release(ours[name])
    ]


def require_agreement(known: dict[str, Any], found: dict[str, Any], where: str) -> None:
    """Refuses to go on with other things than a study was begun with.

    Args:
        known: of the study; empty for one of an older release, which has none.
        found: of this process.
        where: the study or run folder, for the message.

    Raises:
        UserError: something differs; the message says what.
    """
    different = differences(known, found)
    if not different:
        return
    hint = "; give --artifacts to all, and the teacher travels" if any("teacher" in d for d in different) else ""
    raise UserError(f"this process does not agree with {where}: {'; '.join(different)}{hint}")


def _release(text: str) -> list[str]:
    return text.split("+", maxsplit=1)[0].split(".")[:2]


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()
