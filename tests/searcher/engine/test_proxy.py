"""Trials on smaller images: costs stay those of the real ones, and labels say which is which."""

from pathlib import Path

import pytest
import torch
from torch import nn

from splitsearch.profilers.baselines import local_profile
from splitsearch.profilers.pool import profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.codecs import code
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.engine.baselines import Rivals, evaluate_baselines
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.proxy import at_proxy, proxy_note, scaled_payload
from splitsearch.searcher.engine.trial import Evaluator
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.searcher.training.validate import Validation
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import Resize
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import Variants

CODINGS = ("none", "zstd")


def config(coding: str = "none") -> SplitConfig:
    return SplitConfig(
        backbone="net", cut="1.2", head="original", channels=4, bits=8, image_size=32, coding=coding
    )  # fmt: skip


def images(side: int) -> Split:
    generator = torch.Generator().manual_seed(side)
    pixels = torch.randint(0, 256, (20, 3, side, side), dtype=torch.uint8, generator=generator)
    return Split(images=pixels, labels=torch.arange(20) % 10)


@pytest.fixture
def data() -> Dataset:
    small = images(16)
    classes = tuple(map(str, range(10)))
    return Dataset(
        name="n", train=small, val=small, classes=classes, image_size=16, fingerprint="n",
        full_size=32, full_val=images(32),
    )  # fmt: skip


@pytest.fixture
def teacher(network: nn.Module) -> Teacher:
    return Teacher(variants=Variants.trace("net", network, 16), accuracy=0.1, how="given", cached=False)


def test_the_candidate_keeps_everything_but_its_size() -> None:
    assert at_proxy(config(), None) is config() or at_proxy(config(), None) == config()
    assert at_proxy(config(), 16).image_size == 16
    assert at_proxy(at_proxy(config(), 16), 32) == config()
    assert proxy_note(None, 224) == ""
    assert "112 px" in proxy_note(112, 224)


def test_what_an_exit_or_a_coding_saves_is_a_share_of_the_real_payload(teacher: Teacher) -> None:
    small = at_proxy(config(), 16)
    model = assemble(small, teacher.variants)
    whole = payload_bytes(4 * 4 * 4, 8)
    for share in (1.0, 0.25):
        found = scaled_payload(Validation(accuracy=0.5, images=9, payload_bytes=share * whole), model, 8, 1000.0)
        assert (found.payload_bytes, found.accuracy, found.images) == (share * 1000, 0.5, 9)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_trial_learns_on_small_images_and_costs_what_the_real_ones_cost(
    coding: str, variants: Variants, teacher: Teacher, data: Dataset, profiler: Profiler, tmp_path: Path
) -> None:
    space = SearchSpace(
        backbone="net", image_size=32, cuts=["1.2"], heads=["original"], channels=[4], bits=[8], codings=CODINGS
    )
    pool = profile_pool(space, variants, profiler)
    activations = Activations(teacher.variants, data.train.images)
    evaluator = Evaluator(
        teacher=teacher, tutor=Tutor(data=data, activations=activations), validation=activations, pool=pool,
        target=profiler.target, budgets=Budgets(), trainer=TRAINERS.get("hnd"), recipe=Recipe(epochs=1, batch_size=8),
        seed=0, checkpoints=tmp_path, proxy_size=16,
    )  # fmt: skip
    result = evaluator.evaluate(0, config(coding))
    known = pool.get(config(coding))
    assert (result.state, result.config["image_size"]) == ("complete", 32)
    assert result.values["device_macs"] == known.values["device_macs"]
    if coding == "none":
        assert {name: result.values[name] for name in known.values} == known.values
        assert result.latency["payload_source"] == "exact"
    else:
        assert 0 < result.values["payload_bytes"] < 2 * known.payload_bytes
        assert result.latency["payload_source"] == "estimated from images of 16 px"


def test_baselines_cost_what_the_real_images_cost(
    teacher: Teacher, variants: Variants, data: Dataset, profiler: Profiler
) -> None:
    rivals = Rivals(codecs=("jpeg",))
    found = {one.name: one for one in evaluate_baselines(teacher, data, profiler, rivals)}
    assert found["local"].macs["device"] == local_profile(variants.graph, profiler).device_macs
    assert data.full_val is not None
    coded = code(data.full_val.images, "jpeg", 50)
    one = found["server_jpeg_q50"]
    assert one.values["payload_bytes"] == coded.mean_bytes
    small = Resize(16)(coded.images.float()).round().clamp(0, 255).to(torch.uint8)
    with torch.no_grad():
        hits = teacher.graph.module((small.float() / 255 - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
                                    / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)).argmax(1)  # fmt: skip
    assert one.values["accuracy"] == pytest.approx(float((hits == data.val.labels).float().mean()))
