"""Is the light decoder worth its multiply-adds? It, a linear one and HND's learn the same task for as long.

    python benchmarks/decoders.py --backbone cifar_resnet.py:resnet56 --dataset npz:cifar10_20k.npz --subset 4000

Needs a backbone with weights and images that it classifies: any that `splitsearch run` takes. Every candidate is
trained by head network distillation as `splitsearch run` does it, from the same seed for each decoder, and validated
through the real wire format. `hnd` is the published decoder's four convolutions of 2 x 2 at the width of the tensor
that is restored, without the average at its end, since our encoders keep the size of the map.

Printed are means over the seeds: top-1 on the validation images, the squared error to the teacher's tensor there over
its variance, and beside them the decoder's multiply-adds and its milliseconds on a server (estimated).
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.networks.network import load_network
from splitsearch.profilers.profile import Profiler, Target
from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.cache import Cache
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, distil
from splitsearch.searcher.training.student import Student
from splitsearch.searcher.training.teacher import Teacher, TeacherRecipe, make_teacher
from splitsearch.searcher.training.validate import validate
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.bottleneck.payload import Quantiser
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.cuts import find_cut
from splitsearch.spaces.model import SplitModel

NAMED = {"hnd": "bn relu conv2p1-c bn relu conv2p1-c bn relu conv2-c bn relu conv2-c"}
COLUMNS = ("cut", "head", "channels", "decoder", "top-1", "error", "decoder MMACs", "decoder ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all trainings share."""

    teacher: Teacher
    data: Dataset
    train: Activations
    val: Activations
    recipe: Recipe
    profiler: Profiler

    def one(self, config: SplitConfig, seed: int) -> tuple[float, float, float, float]:
        """Trains a candidate: top-1, relative squared error, millions of multiply-adds and milliseconds."""
        torch.manual_seed(seed)
        made, tutor = assemble(config, self.teacher.variants, seed), Tutor(data=self.data, activations=self.train)
        model, _ = distil(TRAINERS.get("hnd"), config, made, tutor, self.recipe, seed)
        accuracy = validate(config, model, self.data, self.val).accuracy
        decoder = next(stage for stage in self.profiler.stages(model) if stage.name == "decoder")
        return accuracy, self._error(config, model), decoder.macs / 1e6, decoder.milliseconds

    @torch.no_grad()
    def _error(self, config: SplitConfig, model: SplitModel) -> float:
        student = Student(config=config, model=model, activations=self.val)
        quantise = Quantiser(config.bits)
        squares, spread = 0.0, 0.0
        for indices in torch.split(torch.arange(len(self.data.val.labels)), 100):
            target = student.target(indices)
            squares += float((student.decoder(quantise(student.narrow(indices)[0])) - target).square().sum())
            spread += float((target - target.mean()).square().sum())
        return squares / spread


def bench(options: argparse.Namespace, folder: Path) -> Bench:
    """Loads data and teacher."""
    data = load_dataset(options.dataset, image_size=options.image_size, subset=options.subset, seed=0, data_dir=None)
    torch.manual_seed(0)
    backbone = load_backbone(options.backbone, classes=len(data.classes), weights=options.weights)
    teacher = make_teacher(backbone, data, TeacherRecipe(), Cache(folder))
    device, server, network = load_device("jetson"), load_device(options.server), load_network("lte")
    return Bench(
        teacher=teacher,
        data=data,
        train=Activations(teacher.variants, data.train.images),
        val=Activations(teacher.variants, data.val.images),
        recipe=Recipe(epochs=options.epochs, rungs=(1.0,)),
        profiler=Profiler(Target(device=device, server=server, network=network)),
    )


def configs(options: argparse.Namespace, shared: Bench) -> Iterator[tuple[str, SplitConfig]]:
    """The decoder's name and the candidate, cut by cut."""
    graph = shared.teacher.graph
    for cut in options.cuts:
        for head in options.heads:
            for channels in options.channels:
                for name in options.decoders:
                    yield (
                        name,
                        SplitConfig(
                            backbone=options.backbone,
                            cut=find_cut(graph, cut).name,
                            head=head,
                            channels=channels,
                            bits=options.bits,
                            image_size=graph.image_size,
                            decoder=NAMED.get(name, name),
                        ),
                    )


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--subset", type=int)
    parser.add_argument("--cuts", nargs="+", default=["layer1", "layer2"])
    parser.add_argument("--heads", nargs="+", default=["original", "mimic"])
    parser.add_argument("--channels", nargs="+", type=int, default=[3, 12])
    parser.add_argument("--decoders", nargs="+", default=["light", "linear", "hnd"], help="names or chains of layers")
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--server", default="server_t4")
    return parser.parse_args()


def main() -> None:
    """Prints the table as it grows."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        shared = bench(options, Path(folder))
        teacher, data = shared.teacher, shared.data
        print(
            f"{len(data.train.labels)} training and {len(data.val.labels)} validation images, teacher "
            f"{teacher.accuracy:.3f}, {options.epochs} epochs, {options.seeds} seeds, {options.bits} bits\n"
        )
        print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
        for name, config in configs(options, shared):
            found = [shared.one(config, seed) for seed in range(options.seeds)]
            top, error, macs, ms = (statistics.fmean(column) for column in zip(*found, strict=True))
            spread = f" ± {statistics.stdev(row[0] for row in found):.3f}" if options.seeds > 1 else ""
            cells = (config.cut, config.head, config.channels, name, f"{top:.3f}{spread}", f"{error:.3f}")
            print("| " + " | ".join(map(str, cells)) + f" | {macs:.2f} | {ms:.3f} |", flush=True)


if __name__ == "__main__":
    main()
