"""Which trainer reaches which accuracy at which payload? Published head and decoder, adapted to images of 32 pixels.

    python benchmarks/accuracy.py --backbone cifar_resnet.py:resnet56 --dataset npz:cifar10_20k.npz --out accuracy

Needs a backbone with weights for images of 32 pixels, whose `--cut` is a map of 16 x 16. The candidates are the HND and
BottleFit presets for ResNet (`configs/presets`), scaled down: a stem of one 3 x 3 convolution in place of 7 x 7 with
strides, then the same 2 x 2 convolution with stride 2 and padding 1 down to b channels, sent raw, b x 17 x 17 of 8 bits
(b x 29 x 29 at 224 pixels), and the same decoder (17 - 18 - 19 - 18 - 17 - 16).

Every trainer sees equally many images in the same order. They run under the short recipe (AdamW, one cycle), or with
`--published` under each its own optimiser and schedule, which are made for hundreds of thousands of steps. Accuracies
are measured through the real wire format on the validation images, with Wilson's interval; the last table compares
trainers on the same images (McNemar's counts, summed over the bottlenecks).

What was trained stands in OUT/results.jsonl, one line each, so that an interrupted run goes on.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from scipy.stats import binomtest

from splitsearch.profilers.timing import processor_stopwatch
from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.engine.statistics import wilson_interval
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, distil
from splitsearch.searcher.training.outputs import outputs_of
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.cuts import find_cut
from splitsearch.spaces.variants.variants import Variants

ENCODER = "conv3p1-64 bn relu conv2s2p1-b"
ORDER = ("bottlefit", "hnd", "kd", "naive")  # best first, as the papers report it


class Bench:
    """Data, backbone and what is known so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.data: Dataset = load_dataset(
            options.dataset, image_size=options.image_size, subset=options.subset, seed=0, data_dir=None
        )
        torch.manual_seed(0)
        backbone = load_backbone(options.backbone, classes=len(self.data.classes), weights=options.weights)
        self.variants = Variants.trace(backbone.name, backbone.module.eval(), self.data.image_size)
        self.train = Activations(self.variants, self.data.train.images)
        self.val = Activations(self.variants, self.data.val.images)
        self.path = options.out / "results.jsonl"
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def teacher(self) -> float:
        """Its accuracy on the validation images."""
        answers = self.val.logits(torch.arange(len(self.data.val.labels))).argmax(1)
        return float((answers == self.data.val.labels).float().mean())

    def config(self, channels: int) -> SplitConfig:
        """One candidate."""
        return SplitConfig(
            backbone=self.options.backbone,
            cut=find_cut(self.variants.graph, self.options.cut).name,
            head="mimic",
            channels=channels,
            bits=8,
            image_size=self.variants.graph.image_size,
            encoder=ENCODER,
            decoder="hnd",
        )

    def one(self, name: str, channels: int) -> dict[str, Any]:
        """Trains and validates a candidate, unless that is known; one row."""
        known = {"trainer": name, "channels": channels, "samples": self.options.samples, "seed": self.options.seed}
        known["published"] = self.options.published
        for row in self.rows:
            if all(row[key] == value for key, value in known.items()):
                return row
        trainer, config, seed = TRAINERS.get(name), self.config(channels), self.options.seed
        epochs = self.options.samples / len(self.data.train.labels)
        recipe = Recipe(epochs=epochs, rungs=(1.0,), full=self.options.published, half=self.options.bfloat16)
        torch.manual_seed(seed)
        watch = processor_stopwatch()
        tutor = Tutor(data=self.data, activations=self.train)
        model, _ = distil(trainer, config, assemble(config, self.variants, seed), tutor, recipe, seed)
        seconds = watch.seconds
        student = Student(config=config, model=model, activations=self.val)
        found = outputs_of(student, self.data.val.labels, [(config.bits, config.coding)])
        right = (found.final[config.bits].argmax(1) == found.labels).int().tolist()
        payload = float(found.sizes[config.bits, config.coding].mean())
        row = known | {"seconds": seconds, "payload_bytes": payload, "right": "".join(map(str, right))}
        self.rows.append(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{name} b={channels}: {_accuracy(row):.3f} ({seconds:.1f} s)", flush=True)
        return row


def _accuracy(row: dict[str, Any]) -> float:
    return row["right"].count("1") / len(row["right"])


def _cell(row: dict[str, Any]) -> str:
    low, high = wilson_interval(_accuracy(row), len(row["right"]))
    return f"{_accuracy(row):.3f} ({low:.3f} to {high:.3f})"


def report(shared: Bench) -> None:
    """Prints both tables."""
    options = shared.options
    found = {name: [shared.one(name, channels) for channels in options.channels] for name in options.trainers}
    print(
        f"\n{len(shared.data.train.labels)} training and {len(shared.data.val.labels)} validation images, "
        f"{options.samples} samples each, teacher {shared.teacher():.3f}\n"
    )
    print("| b | bytes | " + " | ".join(options.trainers) + " |\n" + "|---" * (2 + len(options.trainers)) + "|")
    for place, channels in enumerate(options.channels):
        rows = [found[name][place] for name in options.trainers]
        print(f"| {channels} | {rows[0]['payload_bytes']:.0f} | " + " | ".join(map(_cell, rows)) + " |")
    seconds = {name: sum(row["seconds"] for row in rows) / len(rows) for name, rows in found.items()}
    print("\nprocessor seconds each: " + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()))
    print("\n| better | than | right alone | wrong alone | p |\n|---|---|---|---|---|")
    for better, worse in pairwise(name for name in ORDER if name in found):
        pairs = zip(*("".join(row["right"] for row in found[name]) for name in (better, worse)), strict=True)
        seen = list(pairs)
        gains, losses = seen.count(("1", "0")), seen.count(("0", "1"))
        p = binomtest(gains, gains + losses).pvalue if gains + losses else 1.0
        print(f"| {better} | {worse} | {gains} | {losses} | {p:.1e} |")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--subset", type=int)
    parser.add_argument("--cut", default="layer2")
    parser.add_argument("--channels", nargs="+", type=int, default=[1, 2, 3, 6, 12])
    parser.add_argument("--trainers", nargs="+", default=["naive", "kd", "hnd", "bottlefit"])
    parser.add_argument("--samples", type=int, default=10000)
    parser.add_argument("--published", action="store_true", help="optimisers and schedules as published")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Trains what is missing and prints the tables."""
    report(Bench(parse()))


if __name__ == "__main__":
    main()
