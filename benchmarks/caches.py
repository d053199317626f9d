"""What the caches save: a second start against the first, and an epoch of distillation against one that recomputes.

    python benchmarks/caches.py --backbone resnet18 --dataset folder:photos --image-size 64

Three tables, each a ratio within one run:

- Loading the data set into an empty cache, and again as a new process would: decoded images are mapped, their
  checksums verified.
- One epoch of training encoder and decoder at each cut against the teacher's activation: computed in every batch, as
  without any cache; from float16 in memory; from float16 mapped from the cache. What filling the cache costs once
  stands beside them.
- What rounding to float16 does to the loss of that encoder and decoder after the epoch: the loss against rounded
  targets over the loss against exact ones, and the mean squared error of rounding over the variance.

Seconds are processor time of all threads, which other work on the machine hardly disturbs; `wall` is the clock on the
wall. Weights do not matter for the seconds; give a trained backbone for the last table.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.training import entries
from splitsearch.searcher.training.activations import Activations, Shared, narrowest
from splitsearch.searcher.training.cache import module_digest
from splitsearch.searcher.training.loops import batches
from splitsearch.searcher.training.store import Store
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.variants.variants import Variants


def timed(work: Callable[[], object]) -> tuple[float, float, object]:
    """Processor seconds, seconds on the wall, and the result."""
    wall, busy = time.perf_counter(), time.process_time()
    result = work()
    return time.process_time() - busy, time.perf_counter() - wall, result


def load(options: argparse.Namespace, folder: Path) -> Dataset:
    """The data set, from the cache where it lies there; checksums are verified as in a new process."""
    entries._VERIFIED.clear()
    return load_dataset(
        options.dataset,
        image_size=options.image_size,
        subset=options.subset,
        seed=0,
        data_dir=options.data_dir,
        store=Store(folder),
    )


def starts(options: argparse.Namespace, folder: Path) -> Dataset:
    """Prints the first table."""
    first, first_wall, data = timed(lambda: load(options, folder))
    second, second_wall, again = timed(lambda: load(options, folder))
    assert isinstance(data, Dataset)
    assert isinstance(again, Dataset)
    assert again.fingerprint == data.fingerprint
    print(f"{len(data.train)} + {len(data.val)} images at {data.image_size} px\n")
    print("| start | processor s | wall s | of the first |\n|---|---|---|---|")
    print(f"| first | {first:.2f} | {first_wall:.2f} | 1 |")
    print(f"| second | {second:.2f} | {second_wall:.2f} | 1/{first / max(second, 1e-9):.1f} |\n", flush=True)
    return data


def epoch(model: SplitModel, activations: Activations, cut: str, count: int) -> None:
    """One epoch of encoder and decoder at a cut."""
    encoder, decoder = (model.stage(name) for name in ("encoder", "decoder"))
    assert encoder is not None
    assert decoder is not None
    learning = [*encoder.module.train().parameters(), *decoder.module.train().parameters()]
    optimiser = torch.optim.AdamW(learning, 1e-3)
    for indices in batches(count, 64, torch.Generator().manual_seed(0)):
        target = activations.at(cut, indices)
        loss = (decoder.module(encoder.module(target)) - target).square().mean() / target.var()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def epochs(options: argparse.Namespace, data: Dataset, variants: Variants, folder: Path) -> None:
    """Prints the other two tables."""
    images, every = data.train.images, torch.arange(len(data.train))
    shared = Shared(
        store=Store(folder), key={"teacher": module_digest(variants.graph.module), "data": data.fingerprint}
    )
    rows = []
    print("| cut | shape | recomputed s | memory s | mapped s | ratio | filling s |\n" + "|---" * 7 + "|")
    for cut in find_cuts(variants.graph, "stages"):
        config = SplitConfig(
            backbone=options.backbone, cut=cut.name, head="original", channels=min(8, cut.shape[0]), bits=8,
            image_size=data.image_size,
        )  # fmt: skip
        model = assemble(config, variants, 0)
        stores = {
            "recomputed": Activations(variants, images, max_bytes=0),
            "memory": Activations(variants, images, shared=shared),
            "mapped": Activations(variants, images, max_bytes=0, shared=shared),
        }
        filling = timed(lambda store=stores["memory"], name=cut.name: store.at(name, every[:1]))[0]  # type: ignore[misc]
        stores["mapped"].at(cut.name, every[:1])
        seconds = {
            name: timed(lambda store=store, model=model, name=cut.name: epoch(model, store, name, len(every)))[0]  # type: ignore[misc]
            for name, store in stores.items()
        }
        ratio = seconds["recomputed"] / seconds["memory"]
        cells = " | ".join(f"{seconds[name]:.2f}" for name in stores)
        print(f"| {cut.name} | {list(cut.shape)} | {cells} | {ratio:.1f} | {filling:.2f} |", flush=True)
        rows.append((cut.name, *rounding(model, stores["recomputed"], cut.name, every[:256])))
    print("\n| cut | kept as | loss, exact targets | loss, kept targets over it | rounding error over variance |")
    print("|---" * 5 + "|")
    for name, kept, loss, moved, error in rows:
        print(f"| {name} | {kept} | {loss:.4f} | 1 {moved:+.1e} | {error:.1e} |")


@torch.no_grad()
def rounding(
    model: SplitModel, exact: Activations, cut: str, indices: torch.Tensor
) -> tuple[torch.dtype, float, float, float]:
    """Type that is kept, the loss, what rounding changes of it, and the error of rounding over the variance."""
    target = exact.at(cut, indices)
    dtype = narrowest(target)
    kept = target.to(dtype).float()
    encoder, decoder = (model.stage(name) for name in ("encoder", "decoder"))
    assert encoder is not None
    assert decoder is not None
    imitation = decoder.module.eval()(encoder.module.eval()(target))
    loss, moved = (float((imitation - values).double().square().mean() / target.var()) for values in (target, kept))
    return dtype, loss, moved / loss - 1, float((kept - target).double().square().mean() / target.var())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--weights", default="none")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--subset", type=int)
    return parser.parse_args()


def main() -> None:
    """Prints the tables as they grow."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        data = starts(options, Path(folder))
        torch.manual_seed(0)
        backbone = load_backbone(options.backbone, classes=len(data.classes), weights=options.weights)
        variants = Variants.trace(backbone.name, backbone.module.eval(), data.image_size)
        epochs(options, data, variants, Path(folder))


if __name__ == "__main__":
    main()
