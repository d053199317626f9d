"""From samples to a profile."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.measure.document import profile_of, read_samples
from splitsearch.profilers.measure.jobs import read_jobs
from splitsearch.profilers.measure.pace import comparable
from splitsearch.spaces.errors import UserError


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def write(file: Path, lines: list[dict[str, Any]]) -> None:
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_a_measurement_becomes_a_profile(measured_jobs: Callable[[], Path], jobs_folder: Path) -> None:
    _, jobs = read_jobs(jobs_folder)
    file = measured_jobs()
    lines = lines_of(file)
    for line in lines:  # times that are known: 4 ms everywhere, but heads take 1 ms
        if line["what"] == "visit":
            ms = 1.0 if line["item"].startswith("head") else 4.0
            line |= {"samples": [[ms, ms]] * 3, "yardstick": 0.5}
    write(file, lines)
    device = profile_of(jobs, read_samples(file, jobs), "mine")
    assert DeviceProfile.model_validate_json(json.dumps(device.to_json())) == device
    measured = device.measured
    assert measured is not None
    (backbone,) = measured.backbones
    assert backbone.whole.p50 == 4
    assert [cut.head.p50 for cut in backbone.cuts] == [1.0] * (len(backbone.cuts) - 1) + [4.0]
    assert backbone.cuts[0].tail is not None
    assert backbone.cuts[0].tail.n == 12
    assert backbone.cuts[-1].tail is None
    assert len(measured.parts) == sum("kernels" in item for item in jobs["items"])
    assert all(part.kernels for part in measured.parts)
    assert {kernel.where for kernel in measured.kernels} == {item["name"] for item in jobs["items"] if item["profile"]}
    assert {entry.op for entry in measured.codec} == {
        "pack", "unpack", "zstd", "unzstd", "jpeg_encode", "jpeg_decode", "webp_encode", "webp_decode"
    }  # fmt: skip
    assert measured.message_overhead_ms is not None
    assert measured.environment.ok
    assert measured.runtime.name == "onnxruntime"
    assert measured.protocol.rounds == 4
    assert (device.source, device.runtime.name, device.power.active_w) == ("measured", "ONNX Runtime", 5.0)
    assert device.compute.gmacs_per_s > 0


def test_a_slow_half_of_the_measurement_does_not_show(measured_jobs: Callable[[], Path], jobs_folder: Path) -> None:
    _, jobs = read_jobs(jobs_folder)
    file = measured_jobs()
    lines = lines_of(file)
    for line in lines:
        if line["what"] == "visit":
            slower = 1.5 if line["round"] % 2 else 1.0
            line |= {"samples": [[4.0 * slower] * 2] * 3, "yardstick": 0.5 * slower}
    write(file, lines)
    measured = profile_of(jobs, read_samples(file, jobs), "mine").measured
    assert measured is not None
    assert measured.pace is not None
    assert (measured.pace.p10_ms, measured.pace.p90_ms) == (0.5, 0.75)
    assert comparable(measured.pace, "onnxruntime") == measured.pace
    table = [cut.head.p50 for backbone in measured.backbones for cut in backbone.cuts]
    assert min(table) == pytest.approx(8 * measured.pace.p50_ms, rel=0.01)
    assert max(table) == pytest.approx(min(table), rel=0.01)
    assert measured.environment.halves_percent < 5, "nor do the halves, but for visits where one spell ends"
    for line in lines:
        line.pop("yardstick", None)
    write(file, lines)
    plain = profile_of(jobs, read_samples(file, jobs), "mine").measured
    assert plain is not None
    assert plain.pace is None
    assert plain.environment.halves_percent == pytest.approx(40)


def test_without_a_meter_and_without_pillow_assumptions_say_so(
    measured_jobs: Callable[[], Path], jobs_folder: Path
) -> None:
    _, jobs = read_jobs(jobs_folder)
    file = measured_jobs()
    lines = [line for line in lines_of(file) if line.get("label", {}).get("op", "") != "jpeg_encode"]
    lines[0]["watts"] = None
    write(file, lines)
    device = profile_of(jobs, read_samples(file, jobs), "mine")
    assert device.measured is not None
    assert device.measured.power is None
    assert "was not stated (--watts): 10 W is an assumption" in device.method
    assert "Pillow is missing there: 50 Mpixels/s is an assumption" in device.method


def test_a_meter_is_believed(measured_jobs: Callable[[], Path], jobs_folder: Path) -> None:
    _, jobs = read_jobs(jobs_folder)
    file = measured_jobs()
    lines = lines_of(file)
    lines.insert(1, {"what": "power", "sensor": "ina3221", "rails": ["VDD_IN"], "idle_w": 1.5, "active_w": 6.5})
    write(file, lines)
    device = profile_of(jobs, read_samples(file, jobs), "mine")
    assert (device.power.idle_w, device.power.active_w) == (1.5, 6.5)
    assert "read from ina3221" in device.method


def test_samples_that_are_not_whole_are_refused(measured_jobs: Callable[[], Path], jobs_folder: Path) -> None:
    _, jobs = read_jobs(jobs_folder)
    file = measured_jobs()
    lines = lines_of(file)
    write(file, lines[:-1])
    with pytest.raises(UserError, match="the measurement has not ended"):
        read_samples(file, jobs)
    name = jobs["items"][2]["name"]
    write(file, [line for line in lines if line.get("item") != name])
    with pytest.raises(UserError, match=f"there are no samples of '{name}'"):
        read_samples(file, jobs)
    write(file, lines)
    with pytest.raises(UserError, match="these samples belong to other jobs"):
        read_samples(file, jobs | {"id": "other"})
    file.write_text("{}\nnonsense\n")
    with pytest.raises(UserError, match="line 2 is no JSON"):
        read_samples(file, jobs)
    file.unlink()
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_samples(file, jobs)
