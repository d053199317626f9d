"""Settings whose small files have been read and found right, before anything dear is done or written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from splitsearch.profilers.devices.trust import Asked
from splitsearch.profilers.target import Target
from splitsearch.profilers.timing import timestamp
from splitsearch.searcher.data.codecs import require_codec
from splitsearch.searcher.engine.objectives import Budgets, Objective, parse_objectives
from splitsearch.searcher.engine.sampler import SAMPLERS
from splitsearch.searcher.engine.sharing.place import Place, local_place
from splitsearch.searcher.engine.sharing.storage import require_sharing
from splitsearch.searcher.settings import RunSettings, read_settings
from splitsearch.searcher.targets import read_target
from splitsearch.searcher.teachers import check_models
from splitsearch.searcher.training.distill import TRAINERS
from splitsearch.searcher.training.placement import Placement
from splitsearch.spaces.backbones.loading import check_name
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.space import SpaceSpec, find_space, read_space

__all__ = ["Plan", "asked_of", "check", "default_folder", "read_run", "require_writable", "study_place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Settings whose files have been read and found right."""

    settings: RunSettings
    placement: Placement
    target: Target
    objectives: tuple[Objective, ...]
    budgets: Budgets
    space: SpaceSpec


def check(settings: RunSettings) -> Plan:
    """Reads all that is small.

    Raises:
        UserError: something is wrong with it.
    """
    placement = Placement.of(settings.device, settings.amp)
    SAMPLERS.get(settings.sampler)
    TRAINERS.get(settings.trainer)
    check_name(settings.backbone)
    check_models(settings.baseline)
    if settings.webp:
        require_codec("webp")
    require_sharing(study_place(settings, Path()), settings.workers)
    machines = (settings.device_profile, settings.server_profile)
    target = read_target(
        (_file_or_name(settings, machines[0]), _file_or_name(settings, machines[1])),
        _file_or_name(settings, settings.network),
        server_load=settings.server_load,
        uplink_mbps=settings.uplink_mbps,
        rtt_ms=settings.rtt_ms,
        asked=asked_of(settings, settings.image_size),
    )
    objectives, budgets = parse_objectives(settings.objectives), Budgets(**settings.budgets)
    _require_radio(target, objectives, budgets)
    return Plan(
        settings=settings,
        placement=placement,
        target=target,
        objectives=objectives,
        budgets=budgets,
        space=read_space(find_space(_file_or_name(settings, settings.space))),
    )


def asked_of(settings: RunSettings, image_size: int | None = None) -> Asked:
    """What the device profile has to be of."""
    return Asked(image_size=image_size, backbone=settings.backbone, doubtful=settings.accept_doubtful)


def study_place(settings: RunSettings, folder: Path) -> Place:
    """Where the study of these settings lies: in the run folder, unless they say otherwise.

    Raises:
        UserError: the storage is none.
    """
    if settings.storage is None:
        return local_place(folder)
    url = settings.storage
    if url.startswith("journal:"):
        url = f"journal:{settings.path(url.removeprefix('journal:')).resolve()}"
    return Place(
        url=url, study=settings.study, beat_seconds=settings.heartbeat_s, grace_seconds=4 * settings.heartbeat_s
    )


def _require_radio(target: Target, objectives: Sequence[Objective], budgets: Budgets) -> None:
    """Energy without the radio would favour what sends most."""
    asked = any(objective.name == "energy_mj" for objective in objectives) or budgets.max_energy_mj is not None
    if asked and target.network.radio is None:
        raise UserError(
            f"the network '{target.network.name}' does not name what its radio draws, so energy cannot be compared; "
            "give a JSON network profile with 'radio' (it may hold the trace)"
        )


def read_run(folder: Path) -> RunSettings:
    """The settings of an existing run folder.

    Raises:
        UserError: it is none.
    """
    file = folder / "run.yaml"
    if not file.is_file():
        raise UserError(
            f"'{folder}' is no run folder: it has no run.yaml; start a run with --backbone and --device-profile"
        )
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        return read_settings(data["settings"])
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise UserError(f"'{file}' cannot be read as the settings of a run") from error


def default_folder(settings: RunSettings) -> Path:
    """`runs/<backbone>-<dataset>-<time>` in the caller's folder."""
    parts = (settings.backbone.rpartition(":")[2], settings.dataset.partition(":")[0], timestamp())
    return Path("runs") / "-".join(parts)


def require_writable(folder: Path, holding: str = "run.yaml") -> None:
    """Refuses a folder that cannot be written, or that holds something else.

    Args:
        folder: that is asked for.
        holding: file by which a folder of this kind is known.

    Raises:
        UserError: it cannot be used.
    """
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UserError(
            f"the output folder '{folder}' cannot be written: '{existing}' is no folder that you may write to"
        )
    if folder.is_dir() and any(path.name != ".lock" for path in folder.iterdir()) and not (folder / holding).is_file():
        raise UserError(f"the output folder '{folder}' holds other files; name a new one with --out")


def _file_or_name(settings: RunSettings, value: str) -> str:
    path = settings.path(value)
    return str(path) if path.is_file() else value
