"""What does a search of 12 candidates, 4 bit-widths and 9 exit thresholds cost, against a plain loop of recipes?

    python benchmarks/price.py --backbone cifar_resnet.py:resnet56 --dataset npz:cifar10_20k.npz

Needs a backbone with weights and images that it classifies. Both sides train 3 cuts x 4 channel counts for equally many
epochs on the same images in the same batches, and validate each at every bit-width and threshold.

The plain loop is what the published recipes do: images are decoded in every epoch, the teacher runs on every batch
beside the student (HND runs the teacher's head and the student's, KD the whole teacher and the whole student, in which
everything learns), and every setting of bits and threshold is validated by a pass of its own over the validation
images. Ours takes images and the teacher's tensors from the store and sweeps the settings.

The plain loop's cost does not depend on the channels of a bottleneck: it runs for `--plain` channel counts of each cut
and validates `--settings` of the 36 settings, and its seconds are scaled up to all. Accuracies, at 8 bits and a
threshold of 0.9, are means over the candidates that both sides trained. Seconds are processor time.

The second table takes one saving at a time away from ours, on the candidates of one channel count.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.engine.statistics import wilson_interval
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
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.variants.variants import Variants

BITS = (2, 4, 6, 8)
THRESHOLDS = tuple(k / 10 for k in range(1, 10))
SETTINGS = len(BITS) * len(THRESHOLDS)
DECODER = "bn relu conv2p1-c bn relu conv2p1-c bn relu conv2-c bn relu conv2-c"  # HND's, for maps that keep their size


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Processor seconds of training and of validation, and the accuracy of each candidate."""

    trained: float
    validated: float
    accuracies: dict[SplitConfig, float]

    @property
    def total(self) -> float:
        """Both together."""
        return self.trained + self.validated


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Processor seconds of all threads, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What both sides share.

    Attributes:
        options: the command line.
        data: the images.
        variants: of the backbone.
        decoding: seconds of decoding all images once; 0 where there is nothing to decode.
    """

    options: argparse.Namespace
    data: Dataset
    variants: Variants
    decoding: float

    def candidates(self, channels: Sequence[int]) -> list[SplitConfig]:
        """At each cut; the exit stands at the cut."""
        graph = self.variants.graph
        return [
            SplitConfig(
                backbone=self.options.backbone,
                cut=find_cut(graph, cut).name,
                head="original",
                channels=count,
                bits=8,
                image_size=graph.image_size,
                exit_cut=find_cut(graph, cut).name,
            )
            for cut in self.options.cuts
            for count in channels
        ]

    def family(self, config: SplitConfig) -> list[SplitConfig]:
        """All settings of one training, the one at 8 bits and a threshold of 0.9 first."""
        found = [replace(config, bits=bits, exit_threshold=threshold) for bits in BITS for threshold in THRESHOLDS]
        return sorted(found, key=lambda other: (other.bits, other.exit_threshold), reverse=True)

    def ours(self, candidates: Sequence[SplitConfig], *, keep: bool = True, swept: bool = True) -> Price:
        """What we do.

        Args:
            candidates: to train.
            keep: whether the teacher's tensors are kept, or computed in every batch.
            swept: whether all settings come from one pass, or each from one of its own.
        """
        bound = 4 * 2**30 if keep else 0
        train, val = (Activations(self.variants, part.images, bound) for part in (self.data.train, self.data.val))
        tutor = Tutor(data=self.data, activations=train)
        recipe = Recipe(epochs=self.options.epochs, batch_size=self.options.batch_size, half=self.options.bfloat16)
        trained = validated = 0.0
        accuracies: dict[SplitConfig, float] = {}
        for config in candidates:
            torch.manual_seed(0)
            made = assemble(config, self.variants)
            seconds, found = timed(
                lambda config=config, made=made: distil(TRAINERS.get("hnd"), config, made, tutor, recipe, 0)[0]  # type: ignore[misc]
            )
            assert isinstance(found, SplitModel)
            trained += seconds
            seconds, accuracies[config] = self._validated(config, found, val, swept=swept)
            validated += seconds
        return Price(trained=trained + self.decoding, validated=validated, accuracies=accuracies)

    def _validated(
        self, config: SplitConfig, model: SplitModel, val: Activations, *, swept: bool
    ) -> tuple[float, float]:
        """Seconds for all settings, and the accuracy of the first."""
        family = self.family(config)
        start = time.process_time()
        if swept:
            accuracy = sweep(family, model, self.data, val)[0].accuracy
            return time.process_time() - start, accuracy
        some = family[: self.options.settings]
        found = [validate(other, model, self.data, val) for other in some]
        return (time.process_time() - start) * len(family) / len(some), found[0].accuracy

    def plain(self, *, whole: bool) -> Price:
        """The published loop: HND, or KD if the whole student learns; scaled up to all candidates and settings."""
        channels = self.options.channels[: self.options.plain]
        share = len(self.options.channels) / len(channels)
        trained = validated = 0.0
        accuracies: dict[SplitConfig, float] = {}
        for config in self.candidates(channels):
            torch.manual_seed(0)
            # Copies, so that nothing knows the head for the backbone's own, whose tensors are kept.
            model = own_copies(assemble(config, self.variants), WHOLE)
            trained += timed(lambda config=config, model=model: self._loop(config, model, whole=whole))[0]  # type: ignore[misc]
            trained += self.decoding * self.options.epochs
            start, some = time.process_time(), self.family(config)[: self.options.settings]
            found = [
                # A store of its own for each setting: nothing is kept between two validations.
                validate(other, model, self.data, Activations(self.variants, self.data.val.images, 0))
                for other in some
            ]
            validated += (time.process_time() - start) * SETTINGS / len(some)
            accuracies[config] = found[0].accuracy
        return Price(trained=share * trained, validated=share * validated, accuracies=accuracies)

    def _loop(self, config: SplitConfig, model: SplitModel, *, whole: bool) -> None:
        """Teacher and student on every batch; the exit's classifier learns aside, as ours does."""
        head, encoder, decoder, tail = parts = [stage.module for stage in model.stages]
        assert model.exit is not None
        leave = model.exit.stage.module
        learning = [*(parts if whole else (encoder, decoder)), leave]
        weights = [weight for part in learning for weight in part.parameters()]
        optimiser: torch.optim.Optimizer = torch.optim.Adam(weights, 1e-3)
        if whole:
            optimiser = torch.optim.SGD(weights, 1e-3, momentum=0.9, weight_decay=1e-4)
        teacher = assemble(config, self.variants)
        for part in learning:
            part.train()
        for indices in self._batches():
            x, labels = normalise(self.data.train.images[indices]), self.data.train.labels[indices]
            with torch.no_grad():
                target = teacher.stages[0].module(x)
                answers = teacher.stages[-1].module(target) if whole else None
            with torch.set_grad_enabled(whole):
                features = head(x)
            joint = decoder(Quantiser(config.bits)(encoder(features)))
            loss = (
                answer_loss([tail(joint)], labels, answers)
                if whole
                else relative_error(joint, target, float(target.var()))
            )
            optimiser.zero_grad()
            (loss + functional.cross_entropy(leave(features.detach()), labels)).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        for part in learning:
            part.eval()

    def _batches(self) -> list[torch.Tensor]:
        count, found = len(self.data.train.labels), []
        for epoch in range(self.options.epochs):
            order = torch.randperm(count, generator=torch.Generator().manual_seed(epoch))
            found += [b for b in torch.split(order, self.options.batch_size) if len(b) == self.options.batch_size]
        return found


def compare(shared: Bench) -> None:
    """Prints the first table."""
    options = shared.options
    own = shared.ours(shared.candidates(options.channels))
    plain = {"plain HND": shared.plain(whole=False), "plain KD": shared.plain(whole=True)}
    both = list(plain["plain HND"].accuracies)
    print("| side | training s | validation s | all s | ratio | accuracy | 95 % |\n|---|---|---|---|---|---|---|")
    images = len(shared.data.val.labels) * len(both)
    for name, price in {"ours": own, **plain}.items():
        accuracy = sum(price.accuracies[config] for config in both) / len(both)
        low, high = wilson_interval(accuracy, images)
        cells = f"{price.trained:.1f} | {price.validated:.1f} | {price.total:.1f} | {price.total / own.total:.1f}"
        print(f"| {name} | {cells} | {accuracy:.3f} | {low:.3f} to {high:.3f} |", flush=True)


def ablate(shared: Bench) -> None:
    """Prints the second table."""
    few = shared.candidates(shared.options.channels[:1])
    own = shared.ours(few)
    apart = shared.ours(few, swept=False)
    drawn = shared.ours([replace(config, decoder=DECODER) for config in few])
    rows = {
        "ours": own,
        "the teacher's tensors computed in every batch": shared.ours(few, keep=False),
        "every setting validated by a pass of its own": replace(own, validated=apart.validated),
        "every bit-width trained (arithmetic)": replace(own, trained=own.trained * len(BITS)),
        "every bit-width and threshold trained (arithmetic)": replace(own, trained=own.trained * SETTINGS),
        "HND's decoder": drawn,
    }
    if shared.decoding:
        again = shared.decoding * (len(few) * shared.options.epochs - 1)
        rows["images decoded in every epoch (arithmetic)"] = replace(own, trained=own.trained + again)
    print("\n| ours, but | training s | validation s | times ours |\n|---|---|---|---|")
    for name, price in rows.items():
        print(f"| {name} | {price.trained:.1f} | {price.validated:.1f} | {price.total / own.total:.1f} |", flush=True)


def bench(options: argparse.Namespace) -> Bench:
    """Loads data and backbone."""
    start = time.process_time()
    data = load_dataset(options.dataset, image_size=options.image_size, subset=options.subset, seed=0, data_dir=None)
    decoding = time.process_time() - start
    val = Split(images=data.val.images[: options.validation], labels=data.val.labels[: options.validation])
    data = replace(data, val=val)
    torch.manual_seed(0)
    backbone = load_backbone(options.backbone, classes=len(data.classes), weights=options.weights)
    return Bench(
        options=options,
        data=data,
        variants=Variants.trace(backbone.name, backbone.module.eval(), data.image_size),
        decoding=0.0 if options.dataset.startswith("npz:") else decoding,
    )


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--subset", type=int, default=2000)
    parser.add_argument("--validation", type=int, help="validation images; all by default")
    parser.add_argument("--cuts", nargs=3, default=["layer1", "layer2", "layer3.4"])
    parser.add_argument("--channels", nargs=4, type=int, default=[6, 1, 3, 12])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--bfloat16", action="store_true", help="of ours")
    parser.add_argument("--plain", type=int, default=4, help="channel counts that the plain loop trains")
    parser.add_argument("--settings", type=int, default=SETTINGS, help="that the plain loop validates")
    return parser.parse_args()


def main() -> None:
    """Prints the tables."""
    options = parse()
    shared = bench(options)
    print(
        f"{len(shared.data.train.labels)} training and {len(shared.data.val.labels)} validation images, "
        f"{options.epochs} epochs in batches of {options.batch_size}, decoding once {shared.decoding:.1f} s\n",
        flush=True,
    )
    compare(shared)
    ablate(shared)


if __name__ == "__main__":
    main()
