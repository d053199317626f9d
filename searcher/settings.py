"""The settings of one run, as they stand in `run.yaml`: typed at the border, plain parameters below it."""

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from splitsearch.spaces.errors import UserError, nearest

__all__ = ["RunSettings", "dump_yaml", "read_settings"]

_OWN = (
    *("directory", "cache_dir", "cache_gb", "data_dir", "device"),
    *("storage", "study", "workers", "heartbeat_s", "artifacts"),
    *("trials", "timeout", "plateau", "confirm", "confirm_epochs", "measure"),
)  # of one process, or free to change when a run goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Everything that decides a run's result. Paths are relative to `directory`, the caller's folder.

    Attributes:
        server_load: share of time that the server is busy.
        uplink_mbps: in place of the network's own, None for that.
        rtt_ms: likewise.
        trials: candidates to evaluate in all; repeats and infeasible ones do not count.
        timeout: seconds after which no further trial starts, None for no limit.
        epochs: of each short distillation.
        teacher_epochs: of training the teacher as a whole, None for the default of its kind.
        stopping: whether a training ends at a rung from which it can no longer reach the front.
        accept_doubtful: whether device profiles that doubt their own figures will do.
        budgets: flag name such as `max_latency_ms` to its limit.
        baseline: small backbones that the front is compared with, each on the device alone.
        webp: whether WebP files are among the baselines, beside JPEG.
        proxy_image_size: side of the smaller images that accuracies are of; costs are those of `image_size`.
        views: fixed views of each training image, the plain one among them.
        flips: whether views may be mirrored; None for what the kind of data set says.
        device: where candidates train, `cpu` or `cuda:0`; None for a GPU if there is one.
        amp: whether they train in half precision; None for GPUs alone.
        cache_gb: bound of the decoded images and activations in the cache folder, in 10^9 bytes.
        storage: URL of the study; None for a file in the run folder.
        study: its name in that storage.
        workers: processes on this machine.
        heartbeat_s: seconds between two signs of life of a worker; four of them missed, and it is taken for dead.
        artifacts: folder or s3://BUCKET through which checkpoints travel; None for the run folder.
        plateau: trainings without growth of the hypervolume after which the search ends; None for no such end.
        confirm: candidates of the front that are trained again at the end.
        confirm_epochs: of such a training; None for three times `epochs`.
        measure: whether heads of the front are measured, `local` or by `jobs` for another machine; None for no.
    """

    backbone: str
    device_profile: str
    server_profile: str = "server_t4.json"
    network: str = "lte"
    server_load: float = 0.0
    uplink_mbps: float | None = None
    rtt_ms: float | None = None
    weights: str = "auto"
    dataset: str = "digits"
    data_dir: str | None = None
    image_size: int | None = None
    subset: int | None = None
    space: str = "small"
    objectives: str = "accuracy,latency_ms,payload_bytes"
    budgets: dict[str, float] = field(default_factory=dict)
    trainer: str = "hnd"
    epochs: int = 5
    batch_size: int = 64
    teacher_epochs: int | None = None
    stopping: bool = True
    sampler: str = "known-cost"
    trials: int = 30
    timeout: float | None = None
    seed: int = 0
    baseline: tuple[str, ...] = ()
    webp: bool = True
    cache_dir: str | None = None
    accept_doubtful: bool = False
    proxy_image_size: int | None = None
    views: int = 1
    flips: bool | None = None
    device: str | None = None
    amp: bool | None = None
    cache_gb: float = 20.0
    storage: str | None = None
    study: str = "splitsearch"
    workers: int = 1
    heartbeat_s: int = 30
    artifacts: str | None = None
    plateau: int | None = None
    confirm: int = 0
    confirm_epochs: int | None = None
    measure: str | None = None
    directory: str = "."

    def __post_init__(self) -> None:
        object.__setattr__(self, "baseline", tuple(self.baseline))  # YAML knows lists alone
        for name in ("trials", "epochs", "views", "workers", "heartbeat_s"):
            if getattr(self, name) < 1:
                flag = name.replace("_", "-")
                raise UserError(f"--{flag} must be at least 1, not {getattr(self, name)}")
        if self.measure not in (None, "local", "jobs"):
            raise UserError(f"--measure must be local or jobs, not '{self.measure}'")
        if self.confirm < 0:
            raise UserError(f"--confirm must be 0 or more, not {self.confirm}")
        if self.batch_size < 2:
            raise UserError(
                f"--batch-size must be at least 2, because norm layers train on batches, not {self.batch_size}"
            )
        if self.timeout is not None and not (math.isfinite(self.timeout) and self.timeout > 0):
            raise UserError(f"--timeout must be a positive number of seconds, not {self.timeout:g}")
        if not (math.isfinite(self.cache_gb) and self.cache_gb >= 0):
            raise UserError(f"--cache-gb must be a number of gigabytes from 0 on, not {self.cache_gb:g}")
        for name in ("image_size", "subset", "proxy_image_size", "plateau", "confirm_epochs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name.replace('_', '-')} must be at least 1, not {value}")

    def path(self, value: str) -> Path:
        """A path of these settings, seen from anywhere."""
        return Path(self.directory) / value

    def shared(self) -> dict[str, Any]:
        """What all who work on one study have in common: what decides a trial's result, and nothing of one machine."""
        return {name: value for name, value in self.to_json().items() if name not in _OWN}

    def to_json(self) -> dict[str, Any]:
        """Returns plain data."""
        return asdict(self) | {"baseline": list(self.baseline)}


def read_settings(data: dict[str, Any]) -> RunSettings:
    """Reads what `to_json` wrote.

    Raises:
        UserError: a field is unknown; a run of a newer release may have such.
    """
    known = [f.name for f in fields(RunSettings)]
    for name in data:
        if name not in known:
            raise UserError(f"run.yaml: unknown setting '{name}'{nearest(str(name), known)}")
    return RunSettings(**data)


def dump_yaml(data: dict[str, Any]) -> str:
    """Settings as text, in the order given."""
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
