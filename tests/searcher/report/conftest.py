"""A run whose every figure is known: costs by our own profiler, accuracies by a formula."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.networks.network import load_network
from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.profilers.target import Target
from splitsearch.searcher.engine.front import FrontHeader, front_document
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import Baseline, TrialResult
from splitsearch.searcher.engine.statistics import wilson_interval
from splitsearch.searcher.report.record import Record
from splitsearch.spaces.assemble import assemble, server_only, whole_on_device
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants

Make = Callable[..., Record]
CUTS = ("2", "5", "8")


def block(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]


def result(number: int, config: SplitConfig, profile: Profile, accuracy: float) -> TrialResult:
    return TrialResult.from_json(
        {
            "trial": number,
            "state": "complete",
            "key": config.key,
            "config": config.to_json(),
            "values": profile.values | {"accuracy": accuracy},
            "latency": profile.latency.to_json(),
            "macs": {"device": profile.device_macs, "server": profile.server_macs},
            "parameters": {"device": profile.device_parameters, "server": profile.server_parameters},
            "accuracy_interval": wilson_interval(accuracy, 100),
            "curve": [{"epoch": 1, "loss": 2.0 - accuracy}, {"epoch": 2, "loss": 1.0 - accuracy}],
            "seconds": 2.0,
        }
    )


def baseline(name: str, profile: Profile, accuracy: float) -> Baseline:
    return Baseline(
        name=name,
        values=profile.values | {"accuracy": accuracy},
        latency=profile.to_json()["latency"],
        macs={"device": profile.device_macs, "server": profile.server_macs},
    )


def target_over(network: str, load: float = 0.0) -> Target:
    return Target(
        device=load_device("jetson"), server=load_device("server_t4"), network=load_network(network), server_load=load
    )


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a record of twelve candidates; the keywords change it."""
    torch.manual_seed(0)
    layers = [layer for before, after in ((3, 8), (8, 16), (16, 16)) for layer in block(before, after)]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)).eval()
    variants = Variants.trace("net", network, 32)
    folder = tmp_path_factory.mktemp("report")

    @cache
    def build(network: str, load: float, objectives: str) -> Record:
        target = target_over(network, load)
        profiler = Profiler(target)
        configs = [
            SplitConfig(backbone="net", cut=cut, head="original", channels=channels, bits=bits, image_size=32)
            for cut in CUTS
            for channels in (1, 4)
            for bits in (4, 8)
        ]
        trials = [
            result(
                k,
                config,
                profiler.profile(assemble(config, variants)),
                0.6 + 0.02 * config.channels + 0.02 * config.bits,
            )
            for k, config in enumerate(configs)
        ]
        baselines = (
            baseline("local", profiler.profile(whole_on_device(variants.graph)), 0.9),
            baseline("server_raw", profiler.profile(server_only(variants.graph)), 0.9),
        )
        header = FrontHeader(
            backbone="net",
            dataset="digits",
            device=target.device.name,
            server=target.server.name,
            network=target.network.name,
            objectives=parse_objectives(objectives),
            reference_point={o.name: 1e6 if o.name != "accuracy" else 0.0 for o in parse_objectives(objectives)},
            teacher={"accuracy": 0.9, "how": "trained from scratch, 1 epoch", "images": 100},
            baselines=baselines,
        )
        return Record(
            folder=folder / "run",
            document=front_document(header, trials),
            trials=tuple(trials),
            settings={"seed": 0, "sampler": "tpe"},
            versions={"python": "3.12"},
            command="splitsearch run --backbone net",
            target=target,
            target_fault="",
        )

    def change(
        network: str = "lte", load: float = 0.0, objectives: str = "accuracy,latency_ms,payload_bytes", **changes: Any
    ) -> Record:
        return replace(build(network, load, objectives), **changes)

    return change
