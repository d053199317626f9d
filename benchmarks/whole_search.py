"""The whole engine against the field's way, TPE over trainings of full length: seconds to 95 % of the front.

    python benchmarks/whole_search.py steps RUN --out full.json
    python benchmarks/whole_search.py train RUN --out full.json --candidates 20:original:4:8:1,16:mimic:8:4:1
    python benchmarks/whole_search.py compare benchmarks/tables/resnet20_cifar10.csv --full full.json

The field's way is head network distillation as it was published: 20 epochs over all training images in batches of 32.
`steps` measures the processor time of one of its steps for every cut, head and stride of a run (channels and bits
hardly matter to it); a training of full length is as many steps as images and epochs make: a product, and named
`extrapolated`. `train` trains a few candidates (cut, as the table numbers it, head, channels, bits, stride) to the end,
which says how far that product is from the truth, and how much accuracy the length adds.

`compare` replays both searches on the table of short trainings. The engine's seconds are its preparation (costs,
teacher, baselines; `--preparation`), the trainings as measured there, its suggestions, and as many trainings of full
length as `--finalists` says, for the candidates that are kept. TPE's seconds are its evaluations, each at the
extrapolated price. Both search the accuracies of the short trainings, so the comparison assumes that the full length
orders candidates alike; `train` lets one look at that.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from real_table import Measured

from splitsearch.profilers.timing import processor_stopwatch
from splitsearch.searcher.engine.simulation.replay import replay
from splitsearch.searcher.engine.trial import Evaluator
from splitsearch.searcher.ground import Ground, prepare
from splitsearch.searcher.plan import check, read_run
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.searcher.searching import evaluator_of
from splitsearch.searcher.training.distill import prepare as prepare_training
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.cuts import find_cuts

_WARM, _TIMED = 3, 10
_GOAL = 0.95


def main() -> None:
    """Measures, or compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("steps", "train"):
        command = commands.add_parser(name)
        command.add_argument("run", type=Path)
        command.add_argument("--out", type=Path, required=True)
        if name == "train":
            command.add_argument("--candidates", required=True)
    compares = commands.add_parser("compare")
    compares.add_argument("table", type=Path)
    compares.add_argument("--full", type=Path, required=True)
    compares.add_argument("--seeds", type=int, default=10)
    compares.add_argument("--trials", type=int, default=200)
    compares.add_argument("--finalists", type=int, default=5)
    compares.add_argument("--preparation", type=float, default=0.0, help="seconds of the run before its first trial")
    chosen = parser.parse_args()
    if chosen.command == "compare":
        _compare(chosen)
        return
    found = json.loads(chosen.out.read_text(encoding="utf-8")) if chosen.out.is_file() else {}
    if chosen.command == "steps":
        found["steps"] = _steps(chosen.run)
    else:
        found["trained"] = [*found.get("trained", ()), *_trained(chosen.run, chosen.candidates)]
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _evaluator(run: Path, subset: int | None) -> tuple[Ground, Evaluator]:
    """What trains by the published recipe, on so many images."""
    settings = replace(read_run(run), subset=subset)
    ground = prepare(check(settings), SilentReporter())
    evaluator = evaluator_of(ground, run.parent / "full")
    published = evaluator.trainer.published
    return ground, replace(evaluator, recipe=published)


def _steps(run: Path) -> dict[str, Any]:
    """Seconds of one step for every cut, head and stride, and steps of a whole training."""
    settings = read_run(run)
    ground, evaluator = _evaluator(run, settings.subset)
    names = [cut.name for cut in find_cuts(ground.teacher.graph, "all")]
    seconds: dict[str, float] = {}
    for config in ground.pool.profiles:
        place = f"{names.index(config.cut)}:{config.head}:{config.stride}"
        if place in seconds or config.channels != 4:
            continue
        seconds[place] = round(_step_seconds(evaluator, config), 5)
        print(place, seconds[place], flush=True)
    return {"seconds": seconds, "epochs": evaluator.recipe.epochs, "batch_size": evaluator.recipe.batch_size}


def _step_seconds(evaluator: Evaluator, config: SplitConfig) -> float:
    model = assemble(config, evaluator.teacher.variants, 0)
    _, training = prepare_training(evaluator.trainer, config, model, evaluator.tutor, evaluator.recipe, seed=0)
    training.advance(_WARM)
    watch = processor_stopwatch()
    training.advance(_WARM + _TIMED)
    return watch.seconds / _TIMED


def _trained(run: Path, text: str) -> list[dict[str, Any]]:
    """Trains candidates to the end, on all images."""
    ground, evaluator = _evaluator(run, None)
    names, found = [cut.name for cut in find_cuts(ground.teacher.graph, "all")], []
    for part in text.split(","):
        cut, head, *numbers = part.split(":")
        channels, bits, stride = map(int, numbers)
        wanted = {"cut": names[int(cut)], "head": head, "channels": channels, "bits": bits, "stride": stride}
        config = next(one for one in ground.pool.profiles if all(getattr(one, name) == wanted[name] for name in wanted))
        watch = processor_stopwatch()
        result = evaluator.evaluate(0, config)
        found.append(
            {
                "candidate": part,
                "place": f"{cut}:{head}:{stride}",
                "images": len(ground.data.train.labels),
                "seconds": round(watch.seconds, 1),
                "accuracy": result.values.get("accuracy"),
                "accuracy_interval": result.accuracy_interval,
            }
        )
        print(found[-1], flush=True)
    return found


def _compare(chosen: argparse.Namespace) -> None:
    measured = Measured(chosen.table)
    full = json.loads(chosen.full.read_text(encoding="utf-8"))
    prices, images = _prices(measured.frame, full["steps"], full["trained"][0]["images"])
    for one in full["trained"]:
        product = prices[_places(measured.frame).index(one["place"])]
        print(f"{one['candidate']}: {one['seconds']:.0f} s measured, {product:.0f} s extrapolated", end="; ")
        print(f"accuracy {one['accuracy']:.3f}, in the table {_accuracy(measured, one['candidate']):.3f}")
    engine, tpe = (
        replay(measured.table, name, chosen.trials, chosen.seeds, measured.rungs if name == "known-cost" else None)
        for name in ("known-cost", "tpe")
    )
    ratios, ours, theirs = [], [], []
    for own, other in zip(engine, tpe, strict=True):
        steps = [_reached(measured.shares_of_front(run)) for run in (own, other)]
        if steps[0] is None or steps[1] is None:
            print("a seed did not reach the goal: more --trials")
            continue
        spent = chosen.preparation + sum(measured.seconds(own)[: steps[0]]) + sum(own.seconds[: steps[0]])
        kept = sorted((prices[row] for row in own.rows[: steps[0]]), reverse=True)[: chosen.finalists]
        ours.append((steps[0], spent, spent + sum(kept)))
        theirs.append((steps[1], sum(prices[row] for row in other.rows[: steps[1]])))
        ratios.append((theirs[-1][1] / spent, theirs[-1][1] / ours[-1][2]))
    middle = [median(column) for column in zip(*ours, strict=True)]
    dear = [median(column) for column in zip(*theirs, strict=True)]
    print(f"{len(ratios)} seeds, medians, to {_GOAL:.0%} of the hypervolume; full length is of {images} images")
    print(f"engine: {middle[0]:g} short trainings, {middle[1]:.0f} s; with {chosen.finalists} finalists of full length")
    print(f"        (the dearest of those tried, extrapolated) {middle[2]:.0f} s")
    print(f"TPE and full length: {dear[0]:g} trainings, {dear[1]:.0f} s (extrapolated)")
    for k, what in enumerate(("search alone", "with finalists")):
        column = [pair[k] for pair in ratios]
        print(f"ratio, {what}: median {median(column):.0f}, least {min(column):.0f}, most {max(column):.0f}")


def _places(frame: pd.DataFrame) -> list[str]:
    return [
        f"{cut}:{head}:{stride}" for cut, head, stride in zip(frame["cut"], frame["head"], frame["stride"], strict=True)
    ]


def _prices(frame: pd.DataFrame, steps: dict[str, Any], images: int) -> tuple[list[float], int]:
    """Seconds of a training of full length of every row: extrapolated from steps that were measured."""
    count = int(steps["epochs"]) * (images // int(steps["batch_size"]))
    return [count * steps["seconds"][place] for place in _places(frame)], images


def _accuracy(measured: Measured, candidate: str) -> float:
    cut, head, channels, bits, stride = candidate.split(":")
    frame = measured.frame
    same = (frame["cut"] == int(cut)) & (frame["head"] == head) & (frame["stride"] == int(stride))
    return float(frame[same & (frame["channels"] == int(channels)) & (frame["bits"] == int(bits))]["accuracy"].iloc[0])


def _reached(shares: list[float]) -> int | None:
    return next((count for count, share in enumerate(shares, start=1) if share >= _GOAL), None)


if __name__ == "__main__":
    main()
