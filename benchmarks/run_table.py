r"""Makes a table of measured trainings from a run folder, for `splitsearch simulate` and benchmarks/real_table.py.

    splitsearch run --backbone cifar_resnet.py:resnet20 --dataset npz:cifar10_20k.npz --sampler grid --no-stopping …
    python benchmarks/run_table.py RUN benchmarks/tables/resnet20_cifar10.csv --machine "one core of …" \
        --target jetson_lte=jetson.json,lte --target pi_lora=raspberry_pi_4.json,lora

One row per trained candidate. `accuracy` is that of the last rung on all validation images, with the ends of its 95 %
interval; `accuracy_r0`, `accuracy_r1` are those of the rungs before it (on 512 of these images), and `seconds_r0`,
`seconds_r1` the seconds since the training began, `seconds` those of the whole trial. Costs are those of the run's own
target; every `--target` adds a column of latencies and one of energies, which need no training. A JSON file of the same
name says where the table comes from. What was not trained to its end (refused, failed) has no row and is counted there.
"""

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from splitsearch.profilers.pool import Pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.engine.files import read_lines
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.plan import read_run
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.targets import read_target
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.space.space import find_space
from splitsearch.spaces.variants.variants import Variants

COSTS = ("latency_ms", "payload_bytes", "energy_mj", "device_macs", "total_macs", "device_parameter_bytes")
"""Columns of the run's own target."""

_OURS = ("directory", "cache_dir", "data_dir", "storage", "study", "artifacts", "accept_doubtful")


def main() -> None:
    """Writes the CSV file and its provenance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--machine", required=True, help="what trained it, in general words")
    parser.add_argument("--target", action="append", default=[], metavar="NAME=DEVICE,NETWORK")
    chosen = parser.parse_args()
    settings = read_run(chosen.run)
    results = [TrialResult.from_json(line) for line in read_lines(chosen.run / "trials.jsonl")]
    trained = [one for one in results if one.state == "complete" and one.repeat_of is None]
    configs = [SplitConfig.from_json(one.config) for one in trained]
    variants = Variants.trace(settings.backbone, usual_module(settings.backbone), configs[0].image_size)
    frame = pd.DataFrame([_row(one, variants) for one in trained])
    axes = [name for name in _axes(configs) if name != "cut"]
    for place, name in enumerate(axes, start=1):
        frame.insert(place, name, [getattr(config, name) for config in configs])
    targets = dict(text.split("=") for text in chosen.target)
    for name, text in targets.items():
        frame = frame.join(_elsewhere(name, text.split(","), configs, variants, settings))
    chosen.file.parent.mkdir(parents=True, exist_ok=True)
    order = ["cut", *axes]
    frame.sort_values(order, kind="stable").to_csv(chosen.file, index=False, float_format="%.6g")
    facts = _provenance(chosen, settings, results, frame, ["cut", *axes], targets)
    chosen.file.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"{len(frame)} rows, {chosen.file.stat().st_size / 1e3:.0f} kB, {frame['seconds'].sum():.0f} s of training")


def _axes(configs: list[SplitConfig]) -> list[str]:
    """The fields in which the candidates differ."""
    names = [field.name for field in fields(SplitConfig)]
    return [name for name in names if len({getattr(config, name) for config in configs}) > 1]


def _row(result: TrialResult, variants: Variants) -> dict[str, Any]:
    """`cut` is the place among all legal cuts, so that it has an order; its name stands beside it."""
    names = [cut.name for cut in find_cuts(variants.graph, "all")]
    low, high = result.accuracy_interval or (0.0, 1.0)
    row: dict[str, Any] = {"cut": names.index(result.config["cut"]), "cut_name": result.config["cut"]}
    row |= {"accuracy": result.values["accuracy"], "accuracy_low": low, "accuracy_high": high}
    for entry in result.curve[:-1]:
        rung = int(entry["rung"])
        row |= {f"accuracy_r{rung}": entry["accuracy"], f"seconds_r{rung}": round(entry["seconds"], 3)}
    # Where a kill interrupted a training, the trial's own clock has its second part alone.
    row["seconds"] = round(max(result.seconds, result.curve[-1]["seconds"]), 3)
    return row | {name: result.values[name] for name in COSTS}


def _elsewhere(
    name: str, files: list[str], configs: list[SplitConfig], variants: Variants, settings: RunSettings
) -> pd.DataFrame:
    target = read_target((files[0], settings.server_profile), files[1], server_load=settings.server_load)
    profiler, shapes = Profiler(target), variants.without_values()
    pool = Pool(cost=lambda config: profiler.profile(assemble(config, shapes)))
    values = [pool.get(config).values for config in configs]
    return pd.DataFrame({f"{cost}_{name}": [one[cost] for one in values] for cost in ("latency_ms", "energy_mj")})


def _provenance(
    chosen: argparse.Namespace,
    settings: RunSettings,
    results: list[TrialResult],
    frame: pd.DataFrame,
    parameters: list[str],
    targets: dict[str, str],
) -> dict[str, Any]:
    record = yaml.safe_load((chosen.run / "run.yaml").read_text(encoding="utf-8"))
    untrained = [one for one in results if one.state != "complete"]
    return {
        "what": "accuracies of trained candidates, on validation images that nothing was trained on",
        "rows": len(frame),
        "not_in_the_table": len(untrained),
        "parameters": parameters,
        "command": " ".join(map(_plain, str(record["command"]).split())),
        "space": yaml.safe_load(find_space(settings.space).read_text(encoding="utf-8")),
        "settings": {name: _plain(value) for name, value in settings.to_json().items() if name not in _OURS},
        "targets_without_training": targets,
        "versions": record.get("versions", {}),
        "teacher": json.loads((chosen.run / "front.json").read_text(encoding="utf-8"))["teacher"],
        "machine": chosen.machine,
        "seconds": {
            "all_trials": round(float(frame["seconds"].sum()), 1),
            "median_trial": round(float(frame["seconds"].median()), 2),
            "share_r0": round(float((frame["seconds_r0"] / frame["seconds"]).mean()), 3),
            "share_r1": round(float((frame["seconds_r1"] / frame["seconds"]).mean()), 3),
        },
    }


def _plain(value: Any) -> Any:
    """Files by their names: folders are those of one machine."""
    if isinstance(value, str) and "/" in value:
        prefix, colon, place = value.rpartition("/")
        head = prefix.split(":")[0] + ":" if ":" in prefix else ""
        return f"{head}{place}" if colon else value
    return value


if __name__ == "__main__":
    main()
