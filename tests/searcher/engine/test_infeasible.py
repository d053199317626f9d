"""What cannot exist is asked for, refused with its reason and never trained; the search goes on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet

from splitsearch.profilers.pool import profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.engine.front import FrontHeader
from splitsearch.searcher.engine.objectives import Budgets, parse_objectives
from splitsearch.searcher.engine.sampler import make_sampler
from splitsearch.searcher.engine.search import Limits, Search
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import Evaluator
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.space.spec import parse_space
from splitsearch.spaces.variants.variants import Variants

SIZE = 32
SPACE = "cuts: [layer1, layer2]\nheads: original\nchannels: 2\nbits: 8\n"


def six_groups() -> nn.Module:
    return ResNet(Bottleneck, [2, 1, 1, 1], num_classes=10, groups=6, width_per_group=4)


def of_one_size() -> nn.Module:
    """No pooling before the classifier: only images of 32 pixels fit."""
    first, second = (nn.Sequential(nn.Conv2d(before, 8, 3, 2, 1), nn.ReLU()) for before in (3, 8))
    return nn.Sequential(first, second, nn.Flatten(), nn.Linear(8 * 8 * 8, 10))


@pytest.fixture(scope="module")
def grouped() -> Variants:
    torch.manual_seed(0)
    return Variants.trace("six.py:make", six_groups().eval(), SIZE)


def evaluator(variants: Variants, space: SearchSpace, profiler: Profiler, folder: Path) -> Evaluator:
    part = Split(images=torch.randint(0, 255, (8, 3, SIZE, SIZE), dtype=torch.uint8), labels=torch.arange(8))
    data = Dataset(name="n", train=part, val=part, classes=tuple(map(str, range(10))), image_size=SIZE, fingerprint="n")
    activations = Activations(variants, part.images)
    return Evaluator(
        teacher=Teacher(variants=variants, accuracy=0.1, how="given", cached=False),
        tutor=Tutor(data=data, activations=activations),
        validation=activations,
        pool=profile_pool(space, variants, profiler),
        target=profiler.target,
        budgets=Budgets(),
        trainer=TRAINERS.get("hnd"),
        recipe=Recipe(epochs=1, batch_size=8),
        seed=0,
        checkpoints=folder / "checkpoints",
    )


def search_for(variants: Variants, text: str, bad: dict[str, Any], profiler: Profiler, folder: Path) -> Search:
    """A search that is told to look at one bad point first."""
    space = parse_space(text, "tiny.yaml").bind(variants.name, variants.graph)
    objectives = parse_objectives("accuracy,latency_ms")
    header = FrontHeader(
        backbone="n", dataset="d", device="d", server="s", network="n", objectives=objectives,
        reference_point={"accuracy": 0.0, "latency_ms": 1e6}, teacher={"accuracy": 0.1}, baselines=(),
    )  # fmt: skip
    study = RunStudy(folder, space, objectives, make_sampler("random", 0))
    found = Search(folder, study, evaluator(variants, space, profiler, folder), header, SilentReporter())
    study.enqueue({name: space.axes[name].index(bad[name]) if name in bad else 0 for name in space.ranges})
    return found


def assert_passed_over(search: Search, reason: str) -> None:
    pool = search.evaluator.pool
    document = search.run(list(pool.profiles), Limits(trials=1, timeout=None), 0)
    assert (search.results[0].state, search.results[0].curve) == ("pruned", [])
    assert reason in str(search.results[0].reason)
    assert document["trials"]["complete"] == 1
    assert "\n" not in str(search.results[0].reason)


@pytest.mark.parametrize(
    ("more", "bad", "reason"),
    [
        (
            "depths: [0.5, 1.0]",
            {"depth": 0.5, "cut": "layer1.1.relu_2"},
            "dropped the block of the cut layer1.1.relu_2",
        ),
        ("channels: [2, 300]", {"channels": 300}, "channels 300 is above the 256 channels of the tensor at layer1"),
        ("divisions: [1, 4]", {"division": 4}, "6 groups cannot be dealt out evenly to 4 networks"),
        ("tail_prunings: [0, 0.9999]", {"tail_pruning": 0.9999}, "ratio of 0.9999 would leave layer"),
        ("exit_cuts: [null, layer2]", {"exit_cut": "layer2.0.relu_2"}, "the exit lies behind the cut layer1.1.relu_2"),
        ("decoders: [light, hnd_inception]", {"decoder": "hnd_inception"}, "the decoder 'hnd_inception' makes"),
        ("strides: [1, 8]", {"stride": 8, "cut": "layer2.0.relu_2"}, "a stride of 8 is above the 4 pixels"),
    ],
)
def test_the_search_goes_on(
    grouped: Variants, profiler: Profiler, tmp_path: Path, more: str, bad: dict[str, Any], reason: str
) -> None:
    key = more.partition(":")[0]
    text = "".join(f"{line}\n" for line in SPACE.splitlines() if not line.startswith(f"{key}:")) + more + "\n"
    assert_passed_over(search_for(grouped, text, bad, profiler, tmp_path), reason)


def test_an_image_size_that_breaks_the_graph(profiler: Profiler, tmp_path: Path) -> None:
    variants = Variants.trace("own", of_one_size().eval(), SIZE)
    text = SPACE.replace("[layer1, layer2]", "['0', '1']") + "resolutions: [0.5, 1.0]\n"
    search = search_for(variants, text, {"resolution": 0.5}, profiler, tmp_path)
    assert_passed_over(search, "does not take images of 16 x 16 pixels")


def test_an_importance_that_lacks_gradients(profiler: Profiler, tmp_path: Path, grouped: Variants) -> None:
    """Costs need shapes alone, so that it shows when the candidate is built for training: it is passed over."""
    text = SPACE + "tail_prunings: 0.5\nimportances: [taylor, l1]\n"
    search = search_for(grouped, text, {"importance": "taylor"}, profiler, tmp_path)
    assert_passed_over(search, "taylor needs gradients")
