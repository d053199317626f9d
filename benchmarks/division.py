"""Is a network better divided? A ResNet for CIFAR at S = 1, 2 and 4, of about equal parameters, under one recipe.

    python benchmarks/division.py --dataset npz:cifar10_20k.npz --samples 20000

Each is trained from scratch, as SplitNet does it (Zhao et al., T-IP 2022): the members' cross-entropies are summed and
their disagreement is added with a weight that rises to one half, each member sees its own view of the images (shifted,
mirrored), SGD with momentum and a cosine, weight decay exp(1 / S - 1) of one network's. What answers is the mean of the
members' logits. Mixup, AutoAugment and random erasing are not done, and the published 300 epochs are not either:
`--samples` says how far this goes.

Printed are the mean over the seeds of the accuracy on the validation images, its standard deviation, the mean accuracy
of one member, and processor seconds.
"""

import argparse
import copy
import statistics

import torch
from torch import nn

from splitsearch.profilers.counting.macs import count_macs
from splitsearch.profilers.timing import processor_stopwatch
from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.channel_order import ordered
from splitsearch.searcher.training.losses import answer_loss
from splitsearch.searcher.training.phases import rate
from splitsearch.searcher.training.trainers.cotrain import PUBLISHED
from splitsearch.searcher.training.trainers.recovery import agreement
from splitsearch.searcher.training.views import Views
from splitsearch.spaces.backbones.cifar import CifarResNet
from splitsearch.spaces.variants.division import divide, divided_weight_decay, fresh_weights


def members(options: argparse.Namespace, nets: int, seed: int, classes: int) -> list[nn.Module]:
    """S narrow networks, each with weights of its own."""
    whole = CifarResNet(options.depth, classes=classes)
    one = divide("cifar_resnet", whole, options.image_size, nets)
    found = [copy.deepcopy(one) for _ in range(nets)]
    for place, module in enumerate(found):
        fresh_weights(module, 1000 * seed + place)
    return found


def train(networks: list[nn.Module], data: Dataset, options: argparse.Namespace, seed: int) -> None:
    """Co-trains the members."""
    nets, count = len(networks), len(data.train.labels)
    decay = divided_weight_decay(PUBLISHED.weight_decay, nets, "exp")
    weights = [weight for network in networks for weight in network.parameters()]
    optimiser = torch.optim.SGD(weights, PUBLISHED.learning_rate, momentum=0.9, weight_decay=decay, nesterov=True)
    views = Views(options.views, flips=True, seed=seed)
    steps, each = options.samples // options.batch_size, count // options.batch_size
    for network in networks:
        network.train()
    for step in range(steps):
        epoch, place = divmod(step, each)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(1000 * seed + epoch))
        indices = order[place * options.batch_size : (place + 1) * options.batch_size]
        for group in optimiser.param_groups:
            group["lr"] = rate(PUBLISHED, step / steps)
        images = data.train.images[indices]
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            answers = [
                network(ordered(normalise(views.apply(images, indices, 1 + (epoch * nets + m) % (views.count - 1)))))
                for m, network in enumerate(networks)
            ]
        loss = answer_loss(answers, data.train.labels[indices], None, agreement=agreement(step / steps))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    for network in networks:
        network.eval()


@torch.no_grad()
def accuracies(networks: list[nn.Module], data: Dataset) -> tuple[float, float]:
    """Of all together, and of one member in the mean."""
    parts = [torch.cat([n(ordered(normalise(c))) for c in torch.split(data.val.images, 200)]) for n in networks]
    alone = [float((part.argmax(1) == data.val.labels).float().mean()) for part in parts]
    together = (sum(parts[1:], parts[0]).argmax(1) == data.val.labels).float().mean()
    return float(together), statistics.fmean(alone)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--subset", type=int)
    parser.add_argument("--depth", type=int, default=20, help="6n + 2 layers")
    parser.add_argument("--nets", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--samples", type=int, default=20000, help="images that each training sees")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--views", type=int, default=17, help="of each image, the plain one, which is not used, too")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--bfloat16", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Prints the table as it grows."""
    options = parse()
    data = load_dataset(options.dataset, image_size=options.image_size, subset=options.subset, seed=0, data_dir=None)
    print(
        f"ResNet-{options.depth}, {len(data.train.labels)} training and {len(data.val.labels)} validation images, "
        f"{options.samples} samples, {options.seeds} seeds\n"
    )
    print("| S | parameters | MACs | accuracy | deviation | one member | seconds |\n" + "|---" * 7 + "|", flush=True)
    for nets in options.nets:
        first = members(options, nets, 0, len(data.classes))
        parameters = sum(weight.numel() for network in first for weight in network.parameters())
        macs = nets * count_macs(first[0], torch.zeros(1, 3, options.image_size, options.image_size))
        together, alone, watch = [], [], processor_stopwatch()
        for seed in range(options.seeds):
            networks = members(options, nets, seed, len(data.classes))
            train(networks, data, options, seed)
            for values, value in zip((together, alone), accuracies(networks, data), strict=True):
                values.append(value)
        spread = statistics.stdev(together) if options.seeds > 1 else 0.0
        cells = f"{statistics.fmean(together):.3f} | {spread:.3f} | {statistics.fmean(alone):.3f}"
        seconds = watch.seconds / options.seeds
        print(f"| {nets} | {parameters:,} | {macs / 1e6:.1f} M | {cells} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
