"""What does a search of 12 candidates, 4 bit-widths and 9 exit thresholds cost, against a plain loop of recipes?

    python benchmarks/price.py --backbone cifar_resnet.py:resnet56 --dataset npz:cifar10_20k.npz

Needs a backbone with weights and images that it classifies. Both sides train 3 cuts x 4 channel counts for equally many
epochs on the same images in the same batches, and validate each at every bit-width and threshold.

The plain loop is what the published recipes do: the teacher runs on every batch, in the student's step (HND runs the
teacher's head, KD the whole teacher and the whole student), and every setting of bits and threshold is validated by a
pass of its own over the validation images. Ours takes the teacher's tensors from the store and sweeps the settings.

Printed are processor seconds of training and of validation for each side, their ratio, and both sides' mean accuracy at
8 bits. The first epoch of ours pays for the store.
"""

import argparse
from dataclasses import dataclass, replace

import torch
from torch import nn

from splitsearch.profilers.timing import processor_stopwatch
from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, distil
from splitsearch.searcher.training.losses import answer_loss, relative_error
from splitsearch.searcher.training.trainer import own_copies
from splitsearch.searcher.training.trainers.kd import WHOLE
from splitsearch.searcher.training.validate import sweep, validate
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.bottleneck.payload import Quantiser
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.cuts import find_cut
from splitsearch.spaces.variants.variants import Variants

BITS = (2, 4, 6, 8)
THRESHOLDS = tuple(k / 10 for k in range(1, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What both sides share."""

    options: argparse.Namespace
    data: Dataset
    variants: Variants

    def candidates(self) -> list[SplitConfig]:
        """Cuts and channels; the exit stands at the cut."""
        graph = self.variants.graph
        return [
            SplitConfig(
                backbone=self.options.backbone,
                cut=find_cut(graph, cut).name,
                head="original",
                channels=channels,
                bits=8,
                image_size=graph.image_size,
                exit_cut=find_cut(graph, cut).name,
            )
            for cut in self.options.cuts
            for channels in self.options.channels
        ]

    def family(self, config: SplitConfig) -> list[SplitConfig]:
        """All settings of one training, the one at 8 bits and a threshold of 0.9 first."""
        found = [replace(config, bits=bits, exit_threshold=threshold) for bits in BITS for threshold in THRESHOLDS]
        return sorted(found, key=lambda other: (other.bits, other.exit_threshold), reverse=True)

    def ours(self) -> tuple[float, float, float]:
        """Seconds of training, seconds of validation, mean accuracy."""
        store = Activations(self.variants, self.data.train.images)
        val = Activations(self.variants, self.data.val.images)
        tutor = Tutor(data=self.data, activations=store)
        recipe = Recipe(epochs=self.options.epochs, batch_size=self.options.batch_size, bfloat16=self.options.bfloat16)
        trained = validated = accuracy = 0.0
        for config in self.candidates():
            watch = processor_stopwatch()
            torch.manual_seed(0)
            own, _ = distil(TRAINERS.get("hnd"), config, assemble(config, self.variants), tutor, recipe, 0)
            trained += watch.seconds
            watch = processor_stopwatch()
            accuracy += sweep(self.family(config), own, self.data, val)[0].accuracy
            validated += watch.seconds
        return trained, validated, accuracy / len(self.candidates())

    def plain(self, *, whole: bool) -> tuple[float, float, float]:
        """The same of the published loop: HND, or KD if the whole student learns."""
        trained = validated = accuracy = 0.0
        for config in self.candidates():
            watch = processor_stopwatch()
            torch.manual_seed(0)
            model = own_copies(assemble(config, self.variants), WHOLE if whole else ())
            self._loop(config, [stage.module for stage in model.stages], whole=whole)
            trained += watch.seconds
            watch = processor_stopwatch()
            found = [
                # A store of its own for each setting: nothing is kept between two validations.
                validate(other, model, self.data, Activations(self.variants, self.data.val.images))
                for other in self.family(config)[: self.options.settings]
            ]
            validated += watch.seconds * len(self.family(config)) / len(found)
            accuracy += found[0].accuracy
        return trained, validated, accuracy / len(self.candidates())

    def _loop(self, config: SplitConfig, parts: list[nn.Module], *, whole: bool) -> None:
        """Teacher and student on every batch."""
        head, encoder, decoder, tail = parts
        learning = parts if whole else [encoder, decoder]
        optimiser = (
            torch.optim.SGD((w for p in parts for w in p.parameters()), 1e-3, momentum=0.9, weight_decay=1e-4)
            if whole
            else torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)
        )
        teacher = assemble(config, self.variants)
        images, labels = self.data.train.images, self.data.train.labels
        for part in learning:
            part.train()
        for epoch in range(self.options.epochs):
            order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(epoch))
            for indices in torch.split(order, self.options.batch_size):
                x = normalise(images[indices])
                with torch.no_grad():
                    target = teacher.stages[0].module(x)
                    answers = teacher.stages[-1].module(target) if whole else None
                with torch.set_grad_enabled(whole):
                    features = head(x)
                joint = decoder(Quantiser(config.bits)(encoder(features)))
                loss = (
                    answer_loss([tail(joint)], labels[indices], answers)
                    if whole
                    else relative_error(joint, target, float(target.var()))
                )
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        for part in learning:
            part.eval()


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--subset", type=int, default=2000)
    parser.add_argument("--cuts", nargs=3, default=["layer1", "layer2", "layer3.4"])
    parser.add_argument("--channels", nargs=4, type=int, default=[1, 3, 6, 12])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--bfloat16", action="store_true", help="of ours")
    parser.add_argument("--settings", type=int, default=36, help="that the plain loop validates; the rest is scaled up")
    return parser.parse_args()


def main() -> None:
    """Prints the table."""
    options = parse()
    data = load_dataset(options.dataset, image_size=options.image_size, subset=options.subset, seed=0, data_dir=None)
    torch.manual_seed(0)
    backbone = load_backbone(options.backbone, classes=len(data.classes), weights=options.weights)
    shared = Bench(options=options, data=data, variants=Variants.trace(backbone.name, backbone.module, data.image_size))
    print("| side | training s | validation s | all s | mean accuracy | ratio |\n|---|---|---|---|---|---|")
    trained, validated, accuracy = shared.ours()
    own = trained + validated
    print(f"| ours | {trained:.1f} | {validated:.1f} | {own:.1f} | {accuracy:.3f} | 1.0 |", flush=True)
    for name, whole in (("plain HND", False), ("plain KD", True)):
        trained, validated, accuracy = shared.plain(whole=whole)
        total = trained + validated
        print(
            f"| {name} | {trained:.1f} | {validated:.1f} | {total:.1f} | {accuracy:.3f} | {total / own:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
