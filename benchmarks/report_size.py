"""How large the report of a long run is, and how long a browser takes to open it.

    python benchmarks/report_size.py [--trials 200] [--backbone resnet18] [--openings 5] [--keep FOLDER]
    python benchmarks/report_size.py --open runs/RUN/report.html

The run is synthesised: candidates are drawn from the shipped space `full` and costed by the profiler, their accuracies
follow a formula, and its files are made by the builders that every run uses. Nothing is trained, so no figure of the
report means anything; its size does. Opening needs playwright and Chromium: seconds until the page is loaded, and until
its first figure is drawn; the median of several openings, each in a fresh context. Beside them the processor seconds of
the page's own thread until then, which do not depend on what else runs on the machine.
"""

import argparse
import json
import math
import platform
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from splitsearch.profilers.baselines import local_profile, server_raw_profile
from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.networks.network import load_network
from splitsearch.profilers.pool import profile_pool
from splitsearch.profilers.profile import Profile, Profiler, Target
from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.engine.files import write_lines
from splitsearch.searcher.engine.front import FrontHeader, front_document, write_front
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import Baseline, TrialResult
from splitsearch.searcher.engine.statistics import wilson_interval
from splitsearch.searcher.report.html import write_report
from splitsearch.searcher.report.record import read_record
from splitsearch.searcher.settings import RunSettings, dump_yaml
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.space.space import find_space, read_space
from splitsearch.spaces.variants.variants import Variants, on_meta

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
RUNGS = 3


def main() -> None:
    """Prints size and seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--openings", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="leave run and report here")
    parser.add_argument("--open", type=Path, help="only open this report")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.open is not None:
        tell(chosen.open, chosen.openings)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        synthesise(folder, chosen.backbone, chosen.trials)
        watch = Stopwatch()
        write_report(read_record(folder), folder / "report.html")
        size = (folder / "report.html").stat().st_size
        front = len(json.loads((folder / "front.json").read_text())["front"])
        print(f"{platform.processor() or platform.machine()}; {chosen.trials} synthesised trials, {front} on the front")
        print(f"written in {watch.seconds:.1f} s; {size / 1e6:.2f} MB")
        tell(folder / "report.html", chosen.openings)


def tell(report: Path, openings: int) -> None:
    """Prints how long a browser takes."""
    loaded, drawn, busy = zip(*opened(report, openings), strict=True)
    print(
        f"opened {openings} times: loaded in {statistics.median(loaded):.2f} s, first figure drawn after "
        f"{statistics.median(drawn):.2f} s (medians; {min(drawn):.2f} … {max(drawn):.2f}); processor time of the page "
        f"until then {statistics.median(busy):.2f} s ({min(busy):.2f} … {max(busy):.2f})"
    )


def synthesise(folder: Path, backbone: str, trials: int) -> None:
    """Writes the files of a run that never was."""
    variants = Variants.trace(backbone, on_meta(usual_module(backbone)), 224)
    space = read_space(find_space("full")).bind(backbone, variants.graph)
    names = ("jetson", "server_t4", "lte")
    target = Target(device=load_device(names[0]), server=load_device(names[1]), network=load_network(names[2]))
    profiler = Profiler(target)
    pool = profile_pool(space, variants, profiler, drawn=2 * trials)
    chosen = list(pool.profiles.items())[:trials]
    results = [_result(number, config, profile) for number, (config, profile) in enumerate(chosen)]
    objectives = parse_objectives("accuracy,latency_ms,payload_bytes,energy_mj")
    header = FrontHeader(
        backbone=backbone,
        dataset="synthesised",
        device=target.device.name,
        server=target.server.name,
        network=target.network.name,
        objectives=objectives,
        reference_point={o.name: _worst(o.name, results) for o in objectives},
        teacher={"accuracy": 0.93, "how": "synthesised", "images": 10_000},
        baselines=tuple(_baselines(variants, profiler)),
    )
    settings = RunSettings(backbone=backbone, device_profile=names[0], server_profile=names[1], network=names[2])
    record = {"schema": 1, "settings": settings.to_json(), "command": "synthesised", "versions": {}}
    (folder / "run.yaml").write_text(dump_yaml(record), encoding="utf-8")
    write_lines(folder / "trials.jsonl", [result.to_json() for result in results])
    write_front(folder, front_document(header, results))


def _worst(name: str, results: list[TrialResult]) -> float:
    return 0.0 if name == "accuracy" else 1.1 * max(result.values[name] for result in results)


def _result(number: int, config: SplitConfig, profile: Profile) -> TrialResult:
    """Accuracy grows with the payload and with what the device computes, and levels out."""
    reach = 1 - math.exp(-math.log1p(profile.payload_bytes) / 3 - profile.device_macs / 2e9)
    accuracy = 0.93 * reach - 0.02 * (number % 5) / 5
    curve = [
        {"rung": float(k + 1), "samples": 500.0 * 3**k, "loss": 2 / (k + 1), "accuracy": accuracy * (k + 1) / RUNGS}
        for k in range(RUNGS)
    ]
    result = TrialResult.from_json(
        {"trial": number, "state": "complete", "key": config.key, "config": config.to_json(), "seconds": 12.5}
    )
    return replace(
        result,
        values=profile.values | {"accuracy": accuracy},
        latency=profile.latency.to_json(),
        macs={"device": profile.device_macs, "server": profile.server_macs},
        parameters={"device": profile.device_parameters, "server": profile.server_parameters},
        accuracy_interval=wilson_interval(accuracy, 10_000),
        curve=curve,
    )


def _baselines(variants: Variants, profiler: Profiler) -> Iterator[Baseline]:
    raw = server_raw_profile(variants.graph, profiler)
    yield _baseline("local", local_profile(variants.graph, profiler), 0.93)
    yield _baseline("server_raw", raw, 0.93)
    for codec, sizes in (("jpeg", (9, 6, 4, 3, 2)), ("webp", (5, 3, 2))):
        for quality, kilobytes in zip((90, 75, 50, 25, 10), sizes, strict=False):
            sent = raw.resent(profiler.target, 1000.0 * kilobytes)
            yield _baseline(f"server_{codec}_q{quality}", sent, 0.93 - 0.1 / kilobytes)


def _baseline(name: str, profile: Profile, accuracy: float) -> Baseline:
    return Baseline(
        name=name,
        values=profile.values | {"accuracy": accuracy},
        latency=profile.to_json()["latency"],
        macs={"device": profile.device_macs, "server": profile.server_macs},
    )


def opened(report: Path, times: int) -> Iterator[tuple[float, float, float]]:
    """Seconds until loaded, until the first figure is drawn, and of the page's thread until then, of each opening."""
    from playwright.sync_api import sync_playwright

    place = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with sync_playwright() as library:
        browser = library.chromium.launch(executable_path=place, args=["--no-sandbox"], timeout=120_000)
        for _ in range(times):
            page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
            inside = page.context.new_cdp_session(page)
            inside.send("Performance.enable")
            watch = Stopwatch()
            page.goto(report.resolve().as_uri(), timeout=120_000)
            loaded = watch.seconds
            page.wait_for_selector("[data-drawn]", timeout=120_000)
            drawn = watch.seconds
            counted = {entry["name"]: entry["value"] for entry in inside.send("Performance.getMetrics")["metrics"]}
            yield loaded, drawn, counted["ThreadTime"]
            page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
