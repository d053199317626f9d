"""Do exported halves say what PyTorch says? Every family of networks with every kind of candidate, trained, as a table.

    python benchmarks/export_accuracy.py --out FILE.jsonl [--families resnet18 inception_v3] [--kinds exit pruned]
    python benchmarks/export_accuracy.py --out FILE.jsonl --pretrained DIR --dataset csv:PHOTOGRAPHS --families resnet50

Teachers learn the digits that ship inside scikit-learn, or have weights: DIR holds state dicts NAME.pth of
torchvision's networks, for the images of --dataset. Each candidate is distilled as a short trial distils it, written as
ONNX, and run in both runtimes on --images images through the real payload. It is not accuracy that is asked for here
but whether two runtimes agree, so training images take part. A row stands in FILE as soon as it is known, and is not
made again.

`step` is the largest difference of an integer of the payload, `moved` the share of integers that differ at all,
`logits` the largest difference of the tail on equal input over the largest logit; then top-1 of both runtimes, the
answers that differ, and milliseconds of the head for one image, in ONNX Runtime: whole, and up to the exit. Half of the
images leave at an exit.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.deploy.compare import compare
from splitsearch.searcher.deploy.halves import IMAGE, stops_early
from splitsearch.searcher.deploy.head import Head
from splitsearch.searcher.deploy.onnx_halves import write_onnx
from splitsearch.searcher.deploy.outcomes import Outcomes, Pair, run_halves
from splitsearch.searcher.deploy.rebuild import onnx_head, onnx_pair, torch_pair
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.cache import Cache
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, distil
from splitsearch.searcher.training.teacher import Teacher, TeacherRecipe, make_teacher
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.cuts import find_cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A network, where it is cut, where its exit stands, and the side of the digits that it takes."""

    cut: str
    exit_cut: str
    size: int


FAMILIES = {
    "resnet18": Family(cut="layer2", exit_cut="layer1", size=32),
    "resnet50": Family(cut="layer2", exit_cut="layer1", size=32),
    "densenet121": Family(cut="features.transition1", exit_cut="features.pool0", size=32),
    "mobilenet_v2": Family(cut="features.6", exit_cut="features.3", size=32),
    "mobilenet_v3_small": Family(cut="features.3", exit_cut="features.1", size=32),
    "inception_v3": Family(cut="maxpool2", exit_cut="maxpool1", size=75),
}
USUAL = ("resnet18", "densenet121", "mobilenet_v2", "inception_v3")
KINDS: dict[str, dict[str, Any]] = {
    "original": {},
    "original, 32 bits": {"bits": 32},
    "original, 1 bit, zstd": {"bits": 1, "coding": "zstd", "activation": "tanh"},
    "mimic, 4 bits": {"head": "mimic", "bits": 4},
    "published mimic": {"head": "mimic", "encoder": "hnd"},
    "divided tail": {"division": 2},
    "divided whole": {"division": 2, "division_scope": "whole"},
    "pruned": {"head_pruning": 0.3, "tail_pruning": 0.3},
    "shrunk": {"width": 0.75, "depth": 0.75},
    "exit": {"exit_fusion": 0.5},
    "exit, divided, pruned": {"division": 2, "head_pruning": 0.3},
}
COLUMNS = ("network", "candidate", "step", "moved", "logits", "PyTorch", "ONNX", "points apart", "answers that differ",
           "images", "head ms", "until exit ms")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all candidates of a network share."""

    name: str
    family: Family
    teacher: Teacher
    data: Dataset
    activations: Activations
    images: Split
    epochs: int

    def row(self, kind: str, folder: Path) -> dict[str, Any]:
        """Trains, exports and compares one candidate."""
        config = self._config(kind)
        torch.manual_seed(0)
        made = assemble(config, self.teacher.variants)
        tutor = Tutor(data=self.data, activations=self.activations)
        model, _ = distil(TRAINERS.get("hnd"), config, made, tutor, Recipe(epochs=self.epochs, rungs=(1.0,)), 0)
        write_onnx(model, config, folder)
        ours, in_parts = torch_pair(model, config), stops_early(model)
        theirs = onnx_pair(folder, config, ours.shape, in_parts=in_parts)
        whole = onnx_head(folder, in_parts=False)
        few = Split(images=self.images.images[:64], labels=self.images.labels[:64])
        _, checked = compare(ours, theirs, few, 18, also=[whole])
        found = {"step": checked.payload_steps, "moved": checked.payload_changed, "logits": checked.logits}
        found |= self._answers(ours, theirs)
        return found | self._times(whole, theirs.head, in_parts=in_parts)

    def _config(self, kind: str) -> SplitConfig:
        usual: dict[str, Any] = {"head": "original", "channels": 8, "bits": 8, "image_size": self.data.image_size}
        fields = usual | {"cut": find_cut(self.teacher.graph, self.family.cut).name} | KINDS[kind]
        if kind.startswith("exit"):
            fields["exit_cut"] = find_cut(self.teacher.graph, self.family.exit_cut).name
        return SplitConfig(backbone=self.name, **fields)

    def _answers(self, ours: Pair, theirs: Pair) -> dict[str, Any]:
        here, there = (run_halves(pair, self.images) for pair in (ours, theirs))
        threshold = _middle(here)

        def classes(found: Outcomes) -> Any:
            return found.logits(threshold).argmax(1)

        before, after = (float(found.hits(threshold).mean()) for found in (here, there))
        differ = int((classes(here) != classes(there)).sum())
        left = float(here.leaves(threshold).mean())
        return {"pytorch": before, "onnx": after, "differ": differ, "images": len(here.labels), "exit_rate": left}

    def _times(self, whole: Head, parts: Head, *, in_parts: bool) -> dict[str, Any]:
        image = {IMAGE: normalise(self.images.images[:1]).numpy()}
        found = {"head_ms": _median_ms(lambda: whole(image))}
        return found | ({"until_exit_ms": _median_ms(lambda: parts.begin(image))} if in_parts else {})


def _middle(outcomes: Outcomes) -> float | None:
    """A threshold at which half of the images leave, however sure a short training made the exit."""
    if outcomes.confidence is None:
        return None
    sure = np.sort(outcomes.confidence)
    return float(sure[len(sure) // 2 - 1] + sure[len(sure) // 2]) / 2


def _median_ms(call: Any, rounds: int = 31) -> float:
    times = []
    for _ in range(rounds):
        watch = Stopwatch()
        call()
        times.append(1e3 * watch.seconds)
    return statistics.median(times[1:])


def bench(name: str, options: argparse.Namespace) -> Bench:
    """Loads data and teacher."""
    family = FAMILIES[name]
    size = family.size if options.pretrained is None else 224 if name != "inception_v3" else 299
    data = load_dataset(options.dataset, image_size=size, subset=options.subset, seed=0, data_dir=None)
    torch.manual_seed(0)
    weights = "none" if options.pretrained is None else str(options.pretrained / f"{name}.pth")
    backbone = load_backbone(name, classes=len(data.classes), weights=weights)
    epochs = options.teacher_epochs if options.pretrained is None else 0
    teacher = make_teacher(backbone, data, TeacherRecipe(epochs=epochs), Cache(options.cache_dir))
    parts = (data.val, data.train)
    images, labels = (torch.cat([getattr(part, field) for part in parts]) for field in ("images", "labels"))
    chosen = np.linspace(0, len(labels) - 1, min(options.images, len(labels))).round().astype(int)
    return Bench(
        name=name,
        family=family,
        teacher=teacher,
        data=data,
        activations=Activations(teacher.variants, data.train.images),
        images=Split(images=images[chosen], labels=labels[chosen]),
        epochs=options.epochs,
    )


def rows(options: argparse.Namespace, known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows that are not known yet, as they are made."""
    for name in options.families:
        shared: Bench | None = None
        for kind in options.kinds:
            if any((row["network"], row["kind"], row["dataset"]) == (name, kind, options.dataset) for row in known):
                continue
            shared = shared or bench(name, options)
            start = {"network": name, "kind": kind, "dataset": options.dataset, "teacher": shared.teacher.accuracy}
            watch = Stopwatch()
            with tempfile.TemporaryDirectory() as folder:
                try:
                    found = shared.row(kind, Path(folder))
                except (InfeasibleError, UserError) as error:
                    found = {"refused": str(error)}
            yield start | found | {"seconds": watch.seconds}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=USUAL)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--pretrained", type=Path, help="folder with NAME.pth; without it, teachers are trained")
    parser.add_argument("--images", type=int, default=1000, help="that both runtimes answer")
    parser.add_argument("--subset", type=int, default=600, help="training images")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--teacher-epochs", type=int, default=6)
    parser.add_argument("--cache-dir", type=Path, default=Path(tempfile.gettempdir()) / "splitsearch-export-accuracy")
    return parser.parse_args()


def main() -> None:
    """Makes what is missing and prints the whole table."""
    options = parse()
    torch.set_num_threads(1)
    known = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.is_file() else []
    with options.out.open("a", encoding="utf-8") as file:
        for row in rows(options, known):
            known.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(f"{row['network']}, {row['kind']}: {row['seconds']:.0f} s {row.get('refused', '')}", flush=True)
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for row in known:
        print(line(row))


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    if "refused" in row:
        return f"| {row['network']} | {row['kind']} | {row['refused']} |" + " |" * (len(COLUMNS) - 3)
    apart = 100 * abs(row["pytorch"] - row["onnx"])
    cells = [row["network"], row["kind"], f"{row['step']:.2g}", f"{row['moved']:.3%}", f"{row['logits']:.1e}"]
    cells += [f"{row['pytorch']:.4f}", f"{row['onnx']:.4f}", f"{apart:.2f}", row["differ"], row["images"]]
    cells += [f"{row['head_ms']:.2f}", f"{row['until_exit_ms']:.2f}" if "until_exit_ms" in row else ""]
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
