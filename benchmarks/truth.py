"""Does a short trial rank candidates as a long training does? Kendall's tau per rung, with its interval.

    python benchmarks/truth.py --backbone cifar_resnet.py:resnet56 --dataset npz:cifar10_20k.npz --out truth

Needs a backbone with weights and images that it classifies. Trains every candidate once long (BottleFit in two stages:
several layers matched through the frozen tail, then decoder, tail and encoder tuned on labels and the teacher's
answers) and short in each of the ways of `--methods`, and prints how well the short accuracies, and figures that need
no training at all, rank the candidates.

What was trained stands in OUT/results.jsonl, one line each, so that an interrupted run goes on. The candidates are the
product of cuts, heads and channels, shuffled by a fixed seed: any first part of them is a fair sample.

Beside accuracy, cross-entropy (`surprise`) and the error to the teacher's tensor, candidates are ranked by where their
curve points: the logit of the accuracy rises about linearly with the logarithm of the samples, and candidates of one
cut and head rise about alike. `extrapolated` adds half of the mean rise of the own cut and head, from the first rung to
this one, carried on to the length of the long training; half, since every curve flattens. Nothing of the long training
enters it. How well any ranking can do is bounded by the truth's own noise: the line `half of the images` ranks the long
trainings by one half of the validation images against the other.
"""

import argparse
import copy
import json
import math
import random
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from scipy.stats import kendalltau
from torch.nn import functional

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.networks.network import load_network
from splitsearch.profilers.profile import Profiler, Target
from splitsearch.profilers.timing import processor_stopwatch
from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Trainer, Tutor, prepare
from splitsearch.searcher.training.phases import Phase
from splitsearch.searcher.training.recipe import RUNGS
from splitsearch.searcher.training.runner import Training
from splitsearch.searcher.training.start import settle_norms, start_from_components
from splitsearch.searcher.training.student import Student
from splitsearch.searcher.training.tap import tapped
from splitsearch.searcher.training.trainers.bottlefit import two_stages
from splitsearch.searcher.training.tutor import Lesson
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.bottleneck.encoders import MimicEncoder
from splitsearch.spaces.bottleneck.payload import Quantiser
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.cuts import find_cut, find_cuts
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.variants.variants import Variants

CUTS = ("layer2.1", "layer2.8", "layer3.2", "layer3.6")
_LONG = "long@"
LONG = Trainer(phases=two_stages(match=True), changes=("tail",), published=Recipe(full=True))


def mixed(imitating: float, *, frozen: bool = False, match: bool = False) -> Callable[[Lesson], list[Phase]]:
    """Two stages with another division of the samples."""

    def phases(lesson: Lesson) -> list[Phase]:
        first, second = two_stages(frozen=frozen, match=match)(lesson)
        if imitating == 0:
            return [replace(second, share=1.0, start=lambda: start_from_components(lesson))]
        return [replace(first, share=imitating), replace(second, share=1 - imitating)]

    return phases


def _own(phases: Callable[[Lesson], list[Phase]]) -> Trainer:
    return Trainer(phases=phases, changes=("tail",), published=Recipe(full=True))


def drawn(lesson: Lesson) -> list[Phase]:
    """Imitation in which an encoder of images starts as it was drawn, and everything else as ever."""
    (phase, *others) = TRAINERS.get("hnd").phases(lesson)

    def start() -> None:
        kept = [(module, copy.deepcopy(module.state_dict())) for module in lesson.on_device]
        start_from_components(lesson)
        for module, state in kept:
            if isinstance(module, MimicEncoder):
                module.load_state_dict(state)

    return [replace(phase, start=start), *others]


METHODS: dict[str, Trainer] = {
    "hnd": TRAINERS.get("hnd"),
    "hnd-drawn": _own(drawn),
    "hnd-settled": _own(TRAINERS.get("hnd").phases),  # norm statistics of the tail taken anew at each rung
    "ghnd": TRAINERS.get("ghnd"),
    "bottlefit": TRAINERS.get("bottlefit"),
    "bottlefit-match": LONG,
    "bottlefit-75": _own(mixed(0.75)),
    "bottlefit-25": _own(mixed(0.25)),
    "tuned": _own(mixed(0.0)),
    "bottlefit-frozen": TRAINERS.get("bottlefit_frozen"),
    "hnd-neighbour": TRAINERS.get("hnd"),  # from the nearest candidate that this method trained before
    "bottlefit-neighbour": TRAINERS.get("bottlefit"),
}


class Prefilled(Activations):
    """Activations at many cuts from one pass over the images, in place of one pass for each cut."""

    def __init__(self, variants: Variants, images: torch.Tensor, cuts: Sequence[str], *, half: bool) -> None:
        super().__init__(variants, images, max_bytes=8 * 2**30)
        head = tapped(variants.graph.module, [find_cut(variants.graph, cut).node for cut in cuts])
        parts: list[list[torch.Tensor]] = [[] for _ in (*cuts, "logits")]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            for chunk in torch.split(torch.arange(len(images)), 128):
                for part, tensor in zip(parts, head(self.inputs(chunk)), strict=True):
                    # Channels last, as training wants them: a batch is then one gathering.
                    part.append(tensor.movedim(1, -1).contiguous())
        self.tensors = {cut: torch.cat(part) for cut, part in zip((*cuts, "logits"), parts, strict=True)}

    def at(self, cut: str, indices: torch.Tensor, size: int | None = None) -> torch.Tensor:
        """As kept; other cuts are computed."""
        kept = self.tensors.get(cut)
        return super().at(cut, indices, size) if kept is None else kept[indices].float().movedim(-1, 1)

    def logits(self, indices: torch.Tensor) -> torch.Tensor:
        """As kept."""
        return self.tensors["logits"][indices].float()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all trainings share."""

    options: argparse.Namespace
    data: Dataset
    variants: Variants
    train: Activations
    val: Activations
    profiler: Profiler

    def candidates(self) -> list[SplitConfig]:
        """All of them, shuffled."""
        found = [
            self._config(cut, head, channels)
            for cut in self.options.cuts
            for head in self.options.heads
            for channels in self.options.channels
        ]
        random.Random(0).shuffle(found)
        return found[: self.options.limit]

    def _config(self, cut: str, head: str, channels: int) -> SplitConfig:
        graph = self.variants.graph
        return SplitConfig(
            backbone=self.options.backbone,
            cut=find_cut(graph, cut).name,
            head="mimic" if head == "mimic" else "original",
            channels=channels,
            bits=8,
            image_size=graph.image_size,
        )

    def one(
        self,
        config: SplitConfig,
        trainer: Trainer,
        recipe: Recipe,
        *,
        settle: bool,
        trained: dict[SplitConfig, dict[str, torch.Tensor]] | None,
    ) -> Iterator[dict[str, Any]]:
        """Trains a candidate, from one of those that were trained if there are such; what it is worth at each rung."""
        torch.manual_seed(self.options.seed)
        model = assemble(config, self.variants, self.options.seed)
        seed = self.options.seed
        own, training = prepare(
            trainer, config, model, Tutor(data=self.data, activations=self.train), recipe, seed=seed
        )
        near = nearest(config, trained or {})
        if trained and near is not None:
            begin_from(training, own, trained[near])
        spent = 0.0
        for rung, bound in enumerate(training.bounds):
            watch = processor_stopwatch()
            loss = training.advance(bound)
            if settle:
                settle_norms(training.lesson)
            spent += watch.seconds
            facts = {"rung": rung, "samples": training.samples, "loss": loss, "seconds": spent}
            yield facts | self.worth(config, own, recipe.half) | {"from": near and near.channels}
        if trained is not None:
            trained[config] = {
                f"{stage.name}.{key}": value.clone()
                for stage in own.stages
                if not stage.original
                for key, value in stage.module.state_dict().items()
            }

    @torch.no_grad()
    def worth(self, config: SplitConfig, model: SplitModel, half: bool) -> dict[str, Any]:
        """Accuracy and cross-entropy on the validation images, and the error to the teacher's tensor there.

        `hits` says of each image whether its class was found, as the bits of a hexadecimal number.
        """
        student = Student(config=config, model=model, activations=self.val)
        hits: list[torch.Tensor] = []
        surprise, squares, spread = 0.0, 0.0, 0.0
        labels = self.data.val.labels
        for indices in torch.split(torch.arange(len(labels)), 200):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                joint = student.decoder(Quantiser(config.bits)(student.narrow(indices)[0]))
                logits = student.tail(joint).float()
            target = student.target(indices)
            squares += float((joint.float() - target).square().sum())
            spread += float((target - target.mean((0, 2, 3), keepdim=True)).square().sum())
            hits.append(logits.argmax(1) == labels[indices])
            surprise += float(functional.cross_entropy(logits, labels[indices], reduction="sum"))
        count, right = len(labels), torch.cat(hits).int().tolist()
        bits = f"{int('1' + ''.join(map(str, right)), 2):x}"  # a leading one keeps leading zeros
        return {"accuracy": sum(right) / count, "surprise": surprise / count, "error": squares / spread, "hits": bits}

    def costs(self, config: SplitConfig) -> dict[str, float]:
        """What is known of a candidate before any training."""
        profile = self.profiler.profile(assemble(config, self.variants))
        return {"payload_bytes": profile.payload_bytes, "device_macs": float(profile.device_macs)}


def bench(options: argparse.Namespace) -> Bench:
    """Loads data and backbone."""
    data = load_dataset(options.dataset, image_size=options.image_size, subset=options.subset, seed=0, data_dir=None)
    torch.manual_seed(0)
    backbone = load_backbone(options.backbone, classes=len(data.classes), weights=options.weights)
    variants = Variants.trace(backbone.name, backbone.module, data.image_size)
    cuts = [find_cut(variants.graph, cut) for cut in options.cuts]
    # What `ghnd` matches behind the cuts: the last block of each map size.
    blocks = [cut for cut in find_cuts(variants.graph, "blocks") if len(cut.shape) == 3 and cut.shape[1] > 1]
    ends = [cut for cut, after in pairwise([*blocks, None]) if after is None or after.shape != cut.shape]
    places = list(dict.fromkeys(cut.name for cut in (*cuts, *ends) if cut.index >= min(c.index for c in cuts)))
    device, server, network = load_device("jetson"), load_device("server_t4"), load_network("lte")
    return Bench(
        options=options,
        data=data,
        variants=variants,
        train=Prefilled(variants, data.train.images, places, half=options.bfloat16),
        val=Prefilled(variants, data.val.images, places, half=options.bfloat16),
        profiler=Profiler(Target(device=device, server=server, network=network)),
    )


def nearest(config: SplitConfig, trained: Iterable[SplitConfig]) -> SplitConfig | None:
    """Of those that differ in channels alone the one with the nearest number, in ratio; of two the narrower one."""
    alike = [other for other in trained if replace(other, channels=config.channels) == config]
    distances = {other: abs(math.log(config.channels / other.channels)) for other in alike}
    return min(alike, key=lambda other: (distances[other], other.channels), default=None)


def begin_from(training: Training, model: SplitModel, tensors: dict[str, torch.Tensor]) -> None:
    """Lets the first phase of a training start as it does, and then takes over what a trained neighbour has too.

    The leading channels: they begin as the leading principal components, in order.
    """
    first = training._pieces[0]
    usual = first.phase.start or (lambda: None)

    def start() -> None:
        usual()
        for stage in model.stages:
            for key, own in stage.module.state_dict().items():
                other = tensors.get(f"{stage.name}.{key}")
                if other is not None:
                    common = tuple(slice(min(a, b)) for a, b in zip(own.shape, other.shape, strict=True))
                    own[common] = other[common]

    training._pieces[0] = replace(first, phase=replace(first.phase, start=start))


class Results:
    """Lines of results.jsonl, by candidate, method and rung."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def has(self, key: str, method: str) -> bool:
        """Whether a training was finished."""
        return any(row["key"] == key and row["method"] == method for row in self.rows)

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Appends the rungs of one training."""
        self.rows += rows
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def train(shared: Bench, results: Results) -> None:
    """All trainings that are not there yet."""
    options = shared.options
    long = Recipe(epochs=options.long / len(shared.data.train.labels), half=options.bfloat16, rungs=(1.0,))
    short = replace(
        long, epochs=options.short / len(shared.data.train.labels), rungs=RUNGS, batch_size=options.batch_size
    )
    wanted = {f"{_LONG}{options.long}": (LONG, replace(long, batch_size=64))} if options.train_long else {}
    wanted |= {
        f"{name}@{options.short}/{options.learning_rate:g}/{options.batch_size}": (
            METHODS[name],
            replace(short, learning_rate=options.learning_rate),
        )
        for name in options.methods
    }
    for name, (trainer, recipe) in wanted.items():
        trained: dict[SplitConfig, dict[str, torch.Tensor]] | None = {} if "-neighbour" in name else None
        for config in shared.candidates():
            if results.has(config.key, name):
                continue
            facts = {
                "key": config.key,
                "method": name,
                "candidate": str(config),
                "cut": config.cut,
                "head": config.head,
            }
            known = shared.costs(config)
            settle = name.startswith("hnd-settled")
            rungs = shared.one(config, trainer, recipe, settle=settle, trained=trained)
            results.add([facts | known | row for row in rungs])
            last = results.rows[-1]
            print(f"{name} {config}: {last['accuracy']:.3f} ({last['seconds']:.1f} s)", flush=True)


def tau(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Kendall's tau-b, and its 95 % interval by 1000 bootstrap samples of the candidates."""
    draw = random.Random(0)
    found = float(kendalltau(*zip(*pairs, strict=True)).statistic)
    drawn = sorted(
        float(kendalltau(*zip(*(draw.choice(pairs) for _ in pairs), strict=True)).statistic) for _ in range(1000)
    )
    return found, drawn[25], drawn[974]


def report(results: Results, options: argparse.Namespace) -> None:
    """Prints the table."""
    truth = {row["key"]: row for row in results.rows if row["method"] == f"{_LONG}{options.long}"}
    print(f"\n{len(truth)} candidates; long: {statistics.fmean(r['seconds'] for r in truth.values()):.1f} s each")
    accuracies = sorted(row["accuracy"] for row in truth.values())
    print(f"long accuracies {accuracies[0]:.3f} to {accuracies[-1]:.3f}\n")
    print("| ranked by | samples | seconds | mean accuracy | tau | 95 % |\n|---|---|---|---|---|---|")
    rows = list(truth.values())
    halves = [_halves(row["hits"]) for row in rows if "hits" in row]
    if len(halves) > 2:
        _line("half of the images against the other, both long", halves)
    for name in ("payload_bytes", "device_macs"):
        _line(name, [(row[name], row["accuracy"]) for row in rows])
    _line("error of the long training itself", [(-row["error"], row["accuracy"]) for row in rows])
    for method in dict.fromkeys(row["method"] for row in results.rows if not row["method"].startswith(_LONG)):
        for rung in sorted({row["rung"] for row in results.rows if row["method"] == method}):
            at = [r for r in results.rows if (r["method"], r["rung"]) == (method, rung) and r["key"] in truth]
            if len(at) < 3:
                continue
            first = {r["key"]: r for r in results.rows if (r["method"], r["rung"]) == (method, 0)}
            scores = {name: [sign * row[name] for row in at] for name, sign in _SCORES.items()}
            if rung:
                scores["extrapolated"] = extrapolated([(first[row["key"]], row) for row in at], options.long)
            for score, values in scores.items():
                pairs = [(value, truth[row["key"]]["accuracy"]) for value, row in zip(values, at, strict=True)]
                mean = [statistics.fmean(row[name] for row in at) for name in ("samples", "seconds", "accuracy")]
                _line(f"{method} rung {rung} {score} ({len(at)})", pairs, mean)


_SCORES = {"accuracy": 1, "surprise": -1, "error": -1}


def extrapolated(curves: list[tuple[dict[str, Any], dict[str, Any]]], samples: int, share: float = 0.5) -> list[float]:
    """Logits of the accuracy to which each curve points, from its first rung and its last so far."""
    rises: dict[tuple[str, str], list[float]] = {}
    for first, last in curves:
        rise = (_logit(last) - _logit(first)) / math.log(last["samples"] / first["samples"])
        rises.setdefault(_kind(last), []).append(rise)
    return [
        _logit(last) + share * statistics.fmean(rises[_kind(last)]) * math.log(samples / last["samples"])
        for _, last in curves
    ]


def _logit(row: dict[str, Any], images: int = 1000) -> float:
    accuracy = (row["accuracy"] * images + 1) / (images + 2)  # never 0 nor 1
    return math.log(accuracy / (1 - accuracy))


def _kind(row: dict[str, Any]) -> tuple[str, str]:
    return row["cut"], row["head"]


def _halves(hits: str) -> tuple[float, float]:
    bits = [int(bit) for bit in f"{int(hits, 16):b}"[1:]]
    return statistics.fmean(bits[::2]), statistics.fmean(bits[1::2])


def _line(name: str, pairs: list[tuple[float, float]], means: list[float] | None = None) -> None:
    found, low, high = tau(pairs)
    cells = [f"{means[0]:.0f}", f"{means[1]:.2f}", f"{means[2]:.3f}"] if means else ["", "", ""]
    print("| " + " | ".join((name, *cells, f"{found:.2f}", f"{low:.2f} to {high:.2f}")) + " |")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--subset", type=int, default=8000)
    parser.add_argument("--cuts", nargs="+", default=list(CUTS))
    parser.add_argument("--heads", nargs="+", default=["original", "mimic"])
    parser.add_argument("--channels", nargs="+", type=int, default=[1, 3, 8])
    parser.add_argument("--limit", type=int, default=24, help="of so many candidates")
    parser.add_argument("--long", type=int, default=32000, help="samples")
    parser.add_argument("--train-long", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--short", type=int, default=2000, help="samples")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--methods", nargs="*", default=["hnd", "ghnd", "bottlefit"], help=", ".join(METHODS))
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="train nothing")
    return parser.parse_args()


def main() -> None:
    """Trains what is missing and prints the table."""
    options = parse()
    results = Results(options.out / "results.jsonl")
    if not options.report:
        train(bench(options), results)
    report(results, options)


if __name__ == "__main__":
    main()
