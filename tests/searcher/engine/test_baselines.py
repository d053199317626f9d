"""Baselines with measured accuracies and sizes."""

import torch
from torch import nn

from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.data.preprocess import jpeg
from splitsearch.searcher.engine.baselines import evaluate_baselines
from splitsearch.searcher.training.teacher import Teacher, accuracy
from splitsearch.spaces.variants.variants import Variants


def test_every_run_has_local_raw_and_jpeg(variants: Variants, network: nn.Module, profiler: Profiler) -> None:
    torch.manual_seed(0)
    part = Split(images=torch.randint(0, 255, (20, 3, 32, 32), dtype=torch.uint8), labels=torch.arange(20) % 10)
    classes = tuple(map(str, range(10)))
    data = Dataset(name="n", train=part, val=part, classes=classes, image_size=32, fingerprint="n")
    teacher = Teacher(variants=variants, accuracy=accuracy(network, part), how="given", cached=False)
    found = {baseline.name: baseline for baseline in evaluate_baselines(teacher, data, profiler)}
    assert {"local", "server_raw", "server_jpeg_q90", "server_jpeg_q10"} <= set(found)
    assert found["local"].values["accuracy"] == found["server_raw"].values["accuracy"] == teacher.accuracy
    decoded, sizes = jpeg(part.images, 10)
    assert found["server_jpeg_q10"].values["payload_bytes"] == sum(sizes) / 20
    expected = accuracy(network, Split(images=decoded, labels=part.labels))
    assert found["server_jpeg_q10"].values["accuracy"] == expected
