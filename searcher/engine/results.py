"""What a trial and a run result in, as data: one line of trials.jsonl, one baseline."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from splitsearch.spaces.config import SplitConfig

__all__ = ["Baseline", "State", "TrialResult", "describe", "is_refused", "trained_count"]

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One finished trial.

    Attributes:
        trial: its number in the study.
        state: `complete`; `pruned` if infeasible or stopped at a rung; `failed` if its training broke.
        key: of the candidate.
        config: the candidate, as plain data.
        values: objectives by name; the known costs also of a pruned trial.
        reason: why it is not complete.
        trained_by: the trial whose training this candidate shares, if it was never trained itself.
        estimate: of a training that was stopped at a rung: the `accuracy` that it would have reached, and the
            `deviation` of that.
        repeat_of: the earlier trial whose values these are, if the candidate was known.
        latency: terms in milliseconds and their source; `payload_source` says whose bytes the transfer is of: `exact`,
            the `upper bound` of a coding, or the mean that was `measured` once the candidate was trained.
        macs: on `device` and `server`.
        parameters: on `device` and `server`.
        accuracy_interval: 95 % interval of the accuracy on the validation images.
        curve: one entry for each rung that was reached: `rung` from 0, `samples` seen, `seconds` since the training
            began (those of an attempt that was killed count up to its last rung), mean `loss` since the rung before,
            `accuracy` on validation images (all of them at the last rung), and the ends `low` and `high` of its
            95 % interval; empty if nothing was trained.
        seconds: that the trial took.
    """

    trial: int
    state: State
    key: str
    config: dict[str, Any]
    values: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    repeat_of: int | None = None
    trained_by: int | None = None
    estimate: dict[str, float] = field(default_factory=dict)
    latency: dict[str, Any] = field(default_factory=dict)
    macs: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    accuracy_interval: tuple[float, float] | None = None
    curve: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        data = asdict(self)
        return data | {"accuracy_interval": list(self.accuracy_interval) if self.accuracy_interval else None}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TrialResult":
        """Reads what `to_json` wrote; fields of newer releases are left out."""
        known = {f.name for f in fields(cls)}
        kept = {name: value for name, value in data.items() if name in known}
        interval = kept.get("accuracy_interval")
        return cls(**(kept | {"accuracy_interval": tuple(interval) if interval else None}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A way to do without a split.

    Attributes:
        name: `local`, `server_raw`, `server_jpeg_q90` …, `local_mobilenet_v3_small` ….
        values: objectives by name.
        latency: terms in milliseconds and their source.
        macs: on `device` and `server`.
        how: where the weights of a network of its own come from; empty for the teacher itself.
        codec: of an image file: `name`, `quality`, `encode_ms` on the device and `decode_ms` on the server with
            `encode_source` and `decode_source`, a phrase each, and `encode_ms_here` and `decode_ms_here`, processor
            time on the machine that ran the search; None where no file is made.
    """

    name: str
    values: dict[str, float]
    latency: dict[str, Any]
    macs: dict[str, int]
    how: str = ""
    codec: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Baseline":
        """Reads what `to_json` wrote; fields of newer releases are left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


def is_refused(result: TrialResult) -> bool:
    """Whether nothing was trained, because the candidate cannot exist or breaks a budget."""
    return result.state == "pruned" and not result.curve


def trained_count(results: Sequence[TrialResult]) -> int:
    """Candidates that were trained, whatever came of it; each counts once."""
    return len({result.key for result in results if result.curve or result.state == "failed"})


def describe(result: TrialResult) -> str:
    """One line about a trial."""
    title = f"trial {result.trial}: {SplitConfig.from_json(result.config)}"
    if result.repeat_of is not None:
        return f"{title}: known from trial {result.repeat_of}"
    if result.state != "complete":
        return f"{title}: {result.state}, {result.reason}"
    values = result.values
    return (
        f"{title}: accuracy {values['accuracy']:.3f}, {values['latency_ms']:.1f} ms, "
        f"{values['payload_bytes']:.0f} bytes ({result.seconds:.1f} s)"
    )
