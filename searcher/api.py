"""The library for notebooks and programs: the few functions that `import splitsearch` offers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from splitsearch.searcher.costing import Wishes, profile_document
from splitsearch.searcher.engine.front import front_frame
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.picks import pick as pick_entry
from splitsearch.searcher.report.html import write_report
from splitsearch.searcher.report.record import Record, read_record
from splitsearch.searcher.reporter import Reporter, SilentReporter
from splitsearch.searcher.run import default_folder
from splitsearch.searcher.run import run as run_search
from splitsearch.searcher.settings import RunSettings
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.graph.cuts import CUT_SETS, find_cut, find_cuts, part_at
from splitsearch.spaces.graph.trace import trace

__all__ = ["Run", "cuts", "load_run", "profile", "search", "split"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished, or at least started, search.

    Attributes:
        record: all that its folder holds.
    """

    record: Record

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.record.folder

    @property
    def verdict(self) -> str:
        """One sentence: whether a split pays."""
        return str(self.record.document.get("verdict", ""))

    @property
    def front(self) -> pd.DataFrame:
        """The front by latency, one row per candidate: its configuration, values, terms of its latency."""
        return front_frame(self.record.document)

    @property
    def baselines(self) -> pd.DataFrame:
        """The ways to do without a split: their values, one row each."""
        rows = [{"name": b["name"]} | b["values"] for b in self.record.document["baselines"]]
        return pd.DataFrame(rows)

    @property
    def trials(self) -> pd.DataFrame:
        """All finished trials, one row each: state, reason, configuration, values."""
        front = self.record.front_trials
        return pd.DataFrame(
            [
                {"trial": t.trial, "state": t.state, "on_front": t.trial in front, "reason": t.reason,
                 "repeat_of": t.repeat_of, "seconds": t.seconds}
                | t.config
                | t.values
                for t in self.record.trials
            ]
        )  # fmt: skip

    def best(self, pick: str = "knee") -> "pd.Series[Any]":
        """One row of `front`: `knee`, or the best by `accuracy`, `latency`, `payload` or `energy`.

        Raises:
            UserError: no such pick, or the front is empty.
        """
        entry = pick_entry(self.record.document["front"], self.record.objectives, pick)
        front = self.front
        row: pd.Series[Any] = front[front["trial"] == entry["trial"]].iloc[0]
        return row

    def config(self, trial: int) -> SplitConfig:
        """The configuration of a trial.

        Raises:
            UserError: there is no such trial.
        """
        found = next((t for t in self.record.trials if t.trial == trial), None)
        if found is None:
            raise UserError(f"the run '{self.folder}' has no finished trial {trial}")
        return SplitConfig.from_json(found.config)

    def report(self, path: str | Path | None = None) -> Path:
        """Writes the report, RUN/report.html by default; returns where it is."""
        place = self.folder / "report.html" if path is None else Path(path)
        write_report(self.record, place)
        return place


def load_run(folder: str | Path) -> Run:
    """Opens a run folder.

    Example:
        >>> run = load_run("runs/mine")
        >>> run.front[["trial", "cut", "accuracy", "latency_ms", "payload_bytes"]]
        >>> run.best("latency")["cut"]
        >>> run.trials.groupby("head")["accuracy"].max()

    Raises:
        UserError: it is none, has no front yet, or one of its files is spoilt.
    """
    return Run(record=read_record(Path(folder)))


def search(
    backbone: str,
    device_profile: str,
    *,
    out: str | Path | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Run:
    """Does what `splitsearch run` does, and returns the run.

    Example:
        >>> run = search("resnet18", "jetson", network="wifi", subset=200, trials=2, epochs=1, teacher_epochs=1,
        ...              out="runs/mine")
        >>> print(run.verdict)

    Args:
        backbone: a torchvision classifier by name, `timm:NAME`, or `FILE.py:FUNCTION`.
        device_profile: a JSON file or the name of a shipped one.
        out: the run folder, `runs/<backbone>-<dataset>-<time>` by default; one that holds this very run goes on.
        reporter: hears what happens; nobody by default.
        settings: as the flags of `splitsearch run`, with underscores: `network="wifi"`, `trials=30`,
            `max_latency_ms=50`.

    Raises:
        UserError: an input is wrong; nothing has been written.
        NothingFeasibleError: no candidate fits the budgets.
    """
    chosen = _settings(backbone, device_profile, settings)
    folder = default_folder(chosen) if out is None else Path(out)
    run_search(chosen, folder, reporter or SilentReporter(), command=["splitsearch.search"])
    return load_run(folder)


def _settings(backbone: str, device_profile: str, given: Mapping[str, Any]) -> RunSettings:
    known = {f.name for f in fields(RunSettings)} | {f.name for f in fields(Budgets)}
    for name in given:
        if name not in known:
            raise UserError(f"search() has no setting '{name}'{nearest(name, sorted(known))}")
    budgets = {name: value for name, value in given.items() if name.startswith("max_")}
    rest = {name: value for name, value in given.items() if name not in budgets}
    try:
        return RunSettings(
            backbone=backbone, device_profile=device_profile, budgets=budgets, **{"directory": str(Path.cwd())} | rest
        )
    except TypeError as error:
        raise UserError(f"search(): {error}") from error


def profile(  # noqa: PLR0913  # machines and network beside what is costed, as on the command line
    backbone: str,
    cut: str | None = None,
    *,
    device_profile: str = "jetson.json",
    server_profile: str = "server_t4.json",
    network: str = "lte",
    preset: str | None = None,
    server_load: float = 0.0,
    **config: Any,
) -> dict[str, Any]:
    """What one candidate costs, without training, beside doing without a split: `splitsearch profile --json`.

    Example:
        >>> costs = profile("resnet18", "layer2", head="mimic", channels=12, bits=8, network="wifi")
        >>> costs["profiles"]["candidate"]["latency_ms"] < costs["profiles"]["server_raw"]["latency_ms"]
        True

    Args:
        backbone: as in `search`.
        cut: by name, as `cuts` lists them; None for the whole network.
        device_profile: a JSON file or a shipped name.
        server_profile: likewise.
        network: a JSON file, a CSV trace or a shipped name.
        preset: a published configuration that the rest departs from.
        server_load: share of time that the server is busy.
        config: other fields of a SplitConfig: `head`, `channels`, `bits`, `image_size`, `division` …

    Returns:
        `config`, `source`, and under `profiles` the costs of `candidate`, `local` and `server_raw`.

    Raises:
        UserError: an input is wrong, or the candidate cannot exist.
    """
    for name in config:
        if name not in (known := [f.name for f in fields(SplitConfig)]):
            raise UserError(f"unknown field '{name}' of a configuration{nearest(name, known)}")
    chosen = {"backbone": backbone, "cut": cut} | config
    return profile_document(chosen, (device_profile, server_profile, network), preset, Wishes(server_load=server_load))


def cuts(model: nn.Module | str, image_size: int = 224, *, which: str = "blocks") -> pd.DataFrame:
    """The legal cuts of a network, one row each: `name`, `shape` of the one tensor that crosses, `input_ratio`.

    Example:
        >>> from torchvision.models import resnet18
        >>> cuts(resnet18(), 64, which="stages")["name"].tolist()[-1]
        'layer3.1.relu_1'

    Args:
        model: a classifier of your own, or a name as in `search`.
        image_size: side of the input in pixels.
        which: `stages`, `blocks` or `all`.

    Raises:
        UserError: the network cannot be traced at this size, or there is no such set.
    """
    found = next((kind for kind in CUT_SETS if kind == which), None)
    if found is None:
        raise UserError(f"unknown set of cuts '{which}'{nearest(which, CUT_SETS)}")
    graph = trace(usual_module(model) if isinstance(model, str) else model, image_size)
    rows = [{"name": cut.name, "shape": cut.shape, "input_ratio": cut.input_ratio} for cut in find_cuts(graph, found)]
    return pd.DataFrame(rows, columns=["name", "shape", "input_ratio"])


def split(model: nn.Module, cut: str, image_size: int = 224) -> tuple[nn.Module, nn.Module]:
    """Parts any classifier at a cut: `tail(head(images))` computes what `model(images)` computes.

    Head and tail work on the model's own parameters. The model is brought into evaluation mode, as its graph is that of
    evaluation.

    Example:
        >>> import torch
        >>> from torchvision.models import resnet18
        >>> model = resnet18()
        >>> head, tail = split(model, "layer2", image_size=64)
        >>> images = torch.rand(2, 3, 64, 64)
        >>> bool(torch.equal(tail(head(images)), model(images)))
        True

    Args:
        model: takes float images of shape (N, 3, S, S), returns logits of shape (N, K).
        cut: by name, as `cuts` lists them; the name of a module, such as `layer2`, means the cut after it.
        image_size: S in pixels.

    Raises:
        UserError: the network cannot be traced at this size, or has no such cut.
    """
    graph = trace(model, image_size)
    return part_at(graph, find_cut(graph, cut))
