"""Baselines with measured accuracies, sizes and times."""

from pathlib import Path

import pytest
import torch
from torch import nn

from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.codecs import code
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.engine import baselines as module
from splitsearch.searcher.engine.baselines import Rivals, evaluate_baselines, model_baseline_name
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.training.cache import Cache
from splitsearch.searcher.training.teacher import Teacher, accuracy
from splitsearch.spaces.variants.variants import Variants

JPEG = Rivals(codecs=("jpeg",))


@pytest.fixture
def data() -> Dataset:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 255, (20, 3, 32, 32), dtype=torch.uint8, generator=generator)
    part = Split(images=images, labels=torch.arange(20) % 10)
    classes = tuple(map(str, range(10)))
    return Dataset(name="n", train=part, val=part, classes=classes, image_size=32, fingerprint="n")


@pytest.fixture
def teacher(variants: Variants, network: nn.Module, data: Dataset) -> Teacher:
    return Teacher(variants=variants, accuracy=accuracy(network, data.val), how="given", cached=False)


def test_every_run_has_local_raw_and_files(teacher: Teacher, data: Dataset, profiler: Profiler) -> None:
    rivals = Rivals()
    found = {baseline.name: baseline for baseline in evaluate_baselines(teacher, data, profiler, rivals)}
    assert list(found) == rivals.names()
    assert {"local", "server_raw", "server_jpeg_q90", "server_jpeg_q10", "server_webp_q75"} <= set(found)
    assert found["local"].values["accuracy"] == found["server_raw"].values["accuracy"] == teacher.accuracy
    for codec in ("jpeg", "webp"):
        one = found[f"server_{codec}_q10"]
        coded = code(data.val.images, codec, 10)
        assert one.values["payload_bytes"] == coded.mean_bytes
        seen = accuracy(teacher.graph.module, Split(images=coded.images, labels=data.val.labels))
        assert one.values["accuracy"] == seen
        assert one.codec is not None
        assert one.codec["encode_ms_here"] > 0
        assert one.latency["encode_ms"] == one.codec["encode_ms"]
        assert one.latency["source"] == "estimated"
        assert "scaled" in one.codec["encode_source"]
        assert Baseline.from_json(one.to_json() | {"newer": 1}) == one


def test_the_first_file_of_the_curve_takes_what_the_profile_says(
    teacher: Teacher, data: Dataset, profiler: Profiler
) -> None:
    found = {baseline.name: baseline for baseline in evaluate_baselines(teacher, data, profiler, JPEG)}
    expected = 32 * 32 / 1e3 / profiler.target.device.codec.jpeg_encode_mpixels_per_s
    assert found["server_jpeg_q90"].latency["encode_ms"] == pytest.approx(expected)


def test_what_a_run_knows_is_not_done_again(teacher: Teacher, data: Dataset, profiler: Profiler) -> None:
    def never() -> Teacher:
        raise AssertionError("made again")

    known = evaluate_baselines(teacher, data, profiler, JPEG)
    small = Baseline(name="local_tiny", values={"accuracy": 0.5}, latency={}, macs={}, how="from the cache")
    rivals = Rivals(codecs=("jpeg",), models={"tiny": never})
    again = evaluate_baselines(teacher, data, profiler, rivals, known=(*known, small))
    assert again == (*known, small)


def test_accuracies_of_files_are_cached_by_teacher(
    teacher: Teacher, data: Dataset, profiler: Profiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []

    def counted(network: nn.Module, split: Split) -> float:
        passes.append(len(split))
        return accuracy(network, split)

    monkeypatch.setattr(module, "accuracy", counted)
    first = evaluate_baselines(teacher, data, profiler, JPEG, cache=Cache(tmp_path))
    again = evaluate_baselines(teacher, data, profiler, JPEG, cache=Cache(tmp_path))
    assert len(passes) == 5
    assert [one.values["accuracy"] for one in first] == [one.values["accuracy"] for one in again]
    with torch.no_grad():
        next(teacher.graph.module.parameters()).add_(1)
    evaluate_baselines(teacher, data, profiler, JPEG, cache=Cache(tmp_path))
    assert len(passes) == 10


def test_a_small_network_is_costed_as_itself(teacher: Teacher, data: Dataset, profiler: Profiler) -> None:
    tiny = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10)).eval()
    small = Teacher(variants=Variants.trace("tiny", tiny, 32), accuracy=0.7, how="trained", cached=False)
    rivals = Rivals(codecs=(), models={"net.py:tiny": lambda: small})
    local, _, other = evaluate_baselines(teacher, data, profiler, rivals)
    assert (other.name, other.how, other.values["accuracy"]) == ("local_tiny", "trained", 0.7)
    assert other.macs == {"device": 30, "server": 0}
    assert local.macs["device"] > 30


def test_names() -> None:
    assert model_baseline_name("mobilenet_v3_small") == "local_mobilenet_v3_small"
    assert model_baseline_name("timm:mobilenetv4") == "local_mobilenetv4"


def test_images_that_memory_cannot_hold_at_once_give_the_same(
    teacher: Teacher, data: Dataset, profiler: Profiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate_baselines(teacher, data, profiler, JPEG)
    monkeypatch.setattr(module, "_CODED_BYTES", 3 * 32 * 32 * 7)  # 7, 7 and 6 images
    for one, other in zip(whole, evaluate_baselines(teacher, data, profiler, JPEG), strict=True):
        for name in ("accuracy", "payload_bytes"):
            assert other.values[name] == pytest.approx(one.values[name])
