"""Heads of a front measured, beside what was predicted of them: on this machine, or by the agent on another.

A measured time stands in a field of its own and replaces nothing: the search saw predictions, and the front is theirs.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from splitsearch.profilers.devices.measured import Series
from splitsearch.profilers.measure.agent import machine
from splitsearch.profilers.measure.document import read_samples
from splitsearch.profilers.measure.here import Effort
from splitsearch.profilers.measure.jobs import describe_jobs, read_jobs, write_jobs, write_onnx
from splitsearch.profilers.measure.plan import Item, sides
from splitsearch.profilers.measure.recheck import measure_items
from splitsearch.profilers.measure.runtimes import RuntimeOptions
from splitsearch.profilers.measure.series import series_of
from splitsearch.profilers.predict.fuse import kernels_of
from splitsearch.searcher.engine.front import write_front
from splitsearch.searcher.ground import Ground
from splitsearch.searcher.reporter import Reporter
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError

__all__ = ["WAYS", "fold_samples", "measure_front"]

WAYS = ("local", "jobs")
"""Where heads are measured: here, or by the agent on the device, for which jobs are written."""

_FIELD = "head_measured"


def measure_front(
    folder: Path, ground: Ground, document: dict[str, Any], way: str, reporter: Reporter
) -> dict[str, Any]:
    """Measures the heads of a front, or writes the jobs for it.

    Args:
        folder: the run folder.
        ground: of the run.
        document: front.json.
        way: one of `WAYS`.
        reporter: hears what happens.

    Returns:
        front.json with `latency.head_measured` in every entry, if it was measured here.

    Raises:
        UserError: a network cannot be measured here.
    """
    items = _heads(ground, document)
    if way == "jobs":
        reporter.say(_write_jobs(folder / "jobs", items, reporter))
        return document
    # What a device would run; torch itself where the exporter is not installed.
    runtime = "onnxruntime" if find_spec("onnxruntime") and find_spec("onnxscript") else "eager"
    effort = Effort(preset="quick", seed=ground.plan.settings.seed)
    taken = measure_items(list(items.values()), RuntimeOptions(name=runtime), effort, reporter.progress).halves
    found = {key: series_of([*taken[item.name][0], *taken[item.name][1]]) for key, item in items.items()}
    measured = _with_times(document, found, runtime, _name(machine()))
    write_front(folder, measured)
    reporter.say(f"the heads of {len(found)} candidates were measured on this machine; tails and network were not")
    return measured


def fold_samples(folder: Path, samples: Path) -> dict[str, Any]:
    """Puts what the agent measured on a device into the front of a run.

    Args:
        folder: the run folder, whose `jobs` the agent was given.
        samples: samples.jsonl, or the folder that holds it.

    Returns:
        The front, in the form of front.json, which is written.

    Raises:
        UserError: the samples are damaged, unfinished, or of other jobs.
    """
    _, jobs = read_jobs(folder / "jobs")
    taken = read_samples(samples / "samples.jsonl" if samples.is_dir() else samples, jobs)
    document = json.loads((folder / "front.json").read_text(encoding="utf-8"))
    found = {
        SplitConfig.from_json(row["config"]).key: series_of(
            [sample for visit in taken.visits[row["name"]].values() for sample in visit]
        )
        for row in jobs["items"]
    }
    if not {entry["key"] for entry in document["front"]} & set(found):
        raise UserError(f"{samples}: these are no heads of the front of '{folder}': write the jobs again")
    runtime, computer = taken.start["runtime"], taken.start["machine"]
    measured = _with_times(document, found, str(runtime["name"]), _name(computer))
    write_front(folder, measured)
    return measured


def _heads(ground: Ground, document: dict[str, Any]) -> dict[str, Item]:
    """Key of each candidate of the front to what runs on the device for it."""
    variants, heads = ground.teacher.variants, {}
    for entry in document["front"]:
        config = SplitConfig.from_json(entry["config"])
        heads[config.key] = sides(config, assemble(config, variants, ground.plan.settings.seed), variants)[0]
    return heads


def _write_jobs(folder: Path, items: Mapping[str, Item], reporter: Reporter) -> str:
    rows: Sequence[Item] = list(items.values())
    jobs = describe_jobs(
        rows,
        [],
        ("onnxruntime", "tensorrt"),
        lambda item, runtime: kernels_of(item.graph_module, item.input_shape, runtime),
    )
    write_onnx(folder, rows, reporter.progress)
    write_jobs(folder, jobs)
    return (
        f"{len(rows)} heads in {folder}; on the device: python3 agent.py {folder.name}; here, with its samples back: "
        f"splitsearch front {folder.parent} --measured {folder}/samples"
    )


def _name(computer: Mapping[str, Any]) -> str:
    return f"{computer['board']}, {computer['cpu']}"


def _with_times(document: dict[str, Any], found: Mapping[str, Series], runtime: str, where: str) -> dict[str, Any]:
    """front.json with measured heads in its entries; candidates that were not measured stay as they are."""
    entries = []
    for entry in document["front"]:
        series = found.get(entry["key"])
        if series is None:
            entries.append(entry)
            continue
        facts: dict[str, Any] = {"ms": series.p50, "p10_ms": series.p10, "p90_ms": series.p90, "runs": series.n}
        facts |= {"source": "measured", "runtime": runtime, "on": where}
        entries.append(entry | {"latency": entry["latency"] | {_FIELD: facts}})
    return document | {"front": entries}
