"""What a profile file may say was measured."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.devices.measured import Measured
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.spaces.errors import UserError

SERIES = {"n": 12, "p10": 1.0, "p50": 1.5, "p90": 2.0, "iqr": 0.2}
KERNEL = {"kind": "convolution", "fused": ["relu"], "in_channels": 3, "out_channels": 8, "in_size": [32, 32],
          "out_size": [16, 16], "window": [3, 3], "stride": 2, "macs": 55296}  # fmt: skip


@pytest.fixture
def measured() -> dict[str, Any]:
    return {
        "machine": {"board": "a board", "cpu": "a core", "cores": 2, "memory_mib": 1024, "os": "an OS", "python": "3"},
        "power_state": {"governor": "performance", "clocks_mhz": {"cpu0": 1500.0}, "throttled": False},
        "runtime": {"name": "onnxruntime", "version": "1", "provider": "CPUExecutionProvider", "threads": 1,
                    "dtype": "float32"},
        "protocol": {"preset": "quick", "rounds": 4, "warmup": 1, "seconds": 3.5, "seed": 0, "clock": "perf_counter"},
        "environment": {"disturbed": 0.0, "halves_off": 0.0, "halves_percent": 1.0, "ok": True},
        "created": "2026-11-21T00:00:00Z",
        "tool": "splitsearch 0.1.0",
        "backbones": [
            {"backbone": "net", "image_size": 32, "graph": "ab", "whole": SERIES,
             "cuts": [{"cut": "1.2", "shape": [8, 16, 16], "head": SERIES, "tail": SERIES},
                      {"cut": "5", "shape": [10], "head": SERIES}]}
        ],
        "kernels": [KERNEL | {"ms": 0.5, "n": 4, "where": "whole net 32"}],
        "parts": [{"name": "encoder", "kernels": [KERNEL], "series": SERIES, "config": {"channels": 4}}],
        "codec": [{"op": "pack", "elements": 100, "bits": 8, "bytes_out": 114, "series": SERIES}],
        "message_overhead_ms": 0.4,
        "power": {"sensor": "stated", "active_w": 9.0},
    }  # fmt: skip


@pytest.fixture
def write(measured: dict[str, Any], tmp_path: Path) -> Callable[[], str]:
    def call() -> str:
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(load_device("jetson").to_json() | {"measured": measured}))
        return str(path)

    return call


def test_a_file_comes_back_as_it_was_written(write: Callable[[], str]) -> None:
    device = load_device(write())
    found = device.measured
    assert found is not None
    assert Measured.model_validate_json(found.model_dump_json()) == found
    assert found.backbone("ab") is found.backbones[0]
    assert found.backbone("cd") is None
    assert found.backbones[0].cuts[1].tail is None
    assert found.kernels[0].kernel == Kernel(
        kind="convolution", fused=("relu",), in_channels=3, out_channels=8, in_size=(32, 32), out_size=(16, 16),
        window=(3, 3), stride=2, macs=55296,
    )  # fmt: skip


def test_a_file_without_measurements_is_as_good_as_ever() -> None:
    assert load_device("jetson").measured is None


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        (("backbones", 0, "whole", "p50"), float("nan"), "'measured.backbones.0.whole.p50' is nan: it should be"),
        (("backbones", 0, "whole", "p50"), 0, "'measured.backbones.0.whole.p50' is 0: it should be"),
        (("backbones", 0, "whole", "p90"), 0.5, "percentiles must not fall: p10 1.0, p50 1.5, p90 0.5"),
        (("backbones", 0, "whole", "n"), 0, "'measured.backbones.0.whole.n' is 0"),
        (("kernels", 0, "kind"), "convolutions", "it should be one of convolution, linear"),
        (("runtime", "name"), "tflite", "'measured.runtime.name' is 'tflite'"),
        (("power", "active_w"), -1, "'measured.power.active_w' is -1"),
        (("backbones", 0, "cuts", 0, "hed"), 3, "unknown field 'measured.backbones.0.cuts.0.hed' = 3; did you mean"),
    ],
)  # fmt: skip
def test_one_line_for_what_is_wrong(
    place: tuple[Any, ...], value: Any, line: str, measured: dict[str, Any], write: Callable[[], str]
) -> None:
    inner: Any = json.loads(json.dumps(measured))  # the fixtures share their parts
    measured.clear()
    measured.update(inner)
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(UserError) as caught:
        load_device(write())
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
