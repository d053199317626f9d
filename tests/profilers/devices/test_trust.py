"""Profiles that are refused, and the line that says what to do."""

import json
from typing import Any

import pytest

from splitsearch.profilers.devices.device import DeviceProfile, load_device
from splitsearch.profilers.devices.trust import Asked, require
from splitsearch.spaces.errors import UserError

SERIES = {"n": 4, "p10": 1.0, "p50": 1.0, "p90": 1.0, "iqr": 0.0}


def profile(*, ok: bool = True, sizes: tuple[int, ...] = (224,)) -> DeviceProfile:
    environment = {
        "disturbed": 0,
        "halves_off": 0,
        "halves_percent": 1,
        "ok": ok,
        "reasons": [] if ok else ["it throttled"],
    }
    measured: dict[str, Any] = {
        "machine": {"board": "b", "cpu": "c", "cores": 1, "memory_mib": 1, "os": "o", "python": "3"},
        "power_state": {},
        "runtime": {"name": "onnxruntime", "version": "1", "provider": "p", "threads": 1, "dtype": "float32"},
        "protocol": {"preset": "quick", "rounds": 2, "warmup": 1, "seconds": 1, "seed": 0, "clock": "c"},
        "environment": environment,
        "created": "now",
        "tool": "t",
        "backbones": [
            {"backbone": name, "image_size": size, "graph": f"{name}{size}", "whole": SERIES, "cuts": []}
            for name, size in (*(("resnet50", size) for size in sizes), ("vgg16", 160))
        ],
    }
    return DeviceProfile.model_validate_json(json.dumps(load_device("server_cpu").to_json() | {"measured": measured}))


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked(runtime="onnxruntime", dtype="float32", image_size=224, backbone="resnet50"),
        Asked(image_size=160, backbone="vgg16"),
        Asked(image_size=160, backbone="an unmeasured one"),
    ],
)
def test_a_profile_of_what_is_asked_for_is_used(asked: Asked) -> None:
    device = profile()
    assert require(device, asked) is device


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (Asked(runtime="eager"), "was measured in onnxruntime, not in eager: measure with --runtime eager"),
        (Asked(dtype="float16"), "is for float32, not float16: measure with --dtype float16"),
        (
            Asked(image_size=32, backbone="resnet50"),
            "was measured at 224 pixels, not at 32: measure with --image-size 32",
        ),
        (Asked(image_size=300, backbone="resnet50"), "ask for 224, or say --accept-doubtful"),
        (Asked(image_size=200, backbone="new"), "was measured at 160 and 224 pixels, not at 200"),
    ],
)
def test_a_profile_of_something_else_is_refused(asked: Asked, line: str) -> None:
    with pytest.raises(UserError, match=line) as caught:
        require(profile(), asked)
    assert "\n" not in str(caught.value)


def test_a_doubtful_profile_is_used_only_if_that_is_said() -> None:
    device = profile(ok=False)
    with pytest.raises(UserError, match="doubts its own figures: it throttled; --accept-doubtful uses it all the same"):
        require(device, Asked())
    assert require(device, Asked(doubtful=True, image_size=32)) is device
    with pytest.raises(UserError, match="not in eager"):
        require(device, Asked(doubtful=True, runtime="eager"))


def test_a_file_without_measurements_has_a_number_format_alone() -> None:
    device = load_device("jetson")
    assert require(device, Asked(dtype=device.runtime.dtype, image_size=17)) is device
    with pytest.raises(UserError, match="was not measured in any runtime, so not in eager"):
        require(device, Asked(runtime="eager"))
