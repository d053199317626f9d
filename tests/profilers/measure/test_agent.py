"""The file that runs on devices: its grammar, its readers on made-up trees, its protocol, its record."""

import ast
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.profilers.measure import agent
from splitsearch.spaces.bottleneck import payload

SOURCE = Path(agent.__file__)
ALLOWED = {
    "argparse", "contextlib", "ctypes", "gc", "glob", "importlib", "io", "json", "os", "platform", "random", "shutil",
    "socket", "struct", "subprocess", "sys", "time", "typing", "zlib", "numpy",
}  # fmt: skip
OPTIONAL = {"onnxruntime", "tensorrt", "PIL.Image", "zstandard", "io"}


def test_it_is_python_3_6_and_imports_numpy_alone() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 6))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= ALLOWED
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    dynamic = {
        call.args[0].value
        for call in calls
        if getattr(call.func, "attr", getattr(call.func, "id", "")) in ("import_module", "_optional")
        and isinstance(call.args[0], ast.Constant)
    }
    assert dynamic <= OPTIONAL
    assert {"onnxruntime", "tensorrt"} <= dynamic


def test_names_that_came_after_python_3_6_are_not_used() -> None:
    text = SOURCE.read_text(encoding="utf-8")
    for late in ("thread_time", "perf_counter_ns", "capture_output", "default_rng", "removeprefix", "math.prod",
                 "from __future__", "dataclass", "nullcontext", "text=True", "missing_ok"):  # fmt: skip
        assert late not in text, late


def test_it_runs_without_the_rest_of_splitsearch(tmp_path: Path) -> None:
    copied = tmp_path / "agent.py"
    copied.write_bytes(SOURCE.read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", str(copied), str(tmp_path / "nothing")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("agent: there is no ")
    assert "Traceback" not in done.stderr


# --- what the machine says --------------------------------------------------------------------------------------------


def plant(root: Path, files: dict[str, str]) -> str:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    return str(root)


JETSON = {
    "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: ARMv8 Processor rev 1 (v8l)\n",
    "proc/meminfo": "MemTotal:        4059500 kB\nMemFree: 1 kB\n",
    "proc/loadavg": "0.42 0.30 0.10 1/300 999\n",
    "etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 18.04.6 LTS"\n',
    "etc/nv_tegra_release": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref\n",
    "var/lib/nvpmodel/status": "pmode:0000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1479000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "schedutil\n",
    "sys/class/devfreq/57000000.gpu/cur_freq": "921600000\n",
    "sys/kernel/debug/bpmp/debug/clk/emc/rate": "1600000000\n",
    "sys/class/thermal/thermal_zone0/temp": "38500\n",
    "sys/class/thermal/thermal_zone1/temp": "41000\n",
    "sys/class/thermal/thermal_zone2/temp": "-256000\n",
    "sys/class/thermal/cooling_device0/type": "pwm-fan\n",
    "sys/class/thermal/cooling_device0/cur_state": "3\n",
    "sys/class/thermal/cooling_device1/type": "gpu-balanced\n",
    "sys/class/thermal/cooling_device1/cur_state": "1\n",
}


def test_a_jetson_is_read(tmp_path: Path) -> None:
    root = plant(tmp_path, JETSON)
    found = agent.machine(root)
    assert found["board"] == "NVIDIA Jetson Nano Developer Kit"
    assert found["cpu"] == "ARMv8 Processor rev 1 (v8l)"
    assert found["memory_mib"] == pytest.approx(4059500 / 1024)
    assert found["os"] == "Ubuntu 18.04.6 LTS, L4T R32 (release), REVISION: 7.1"
    said = agent.readings(root)
    assert said["clocks_mhz"] == {"cpu0": 1479.0, "57000000.gpu": 921.6, "emc": 1600.0}
    assert (said["governor"], said["mode"], said["load"]) == ("schedutil", "nvpmodel 0000", 0.42)
    assert said["temperature_c"] == 41.0
    assert said["throttling"] == {"state cooling_device1 gpu-balanced": 1.0}, "a fan that turns is no throttling"


def test_an_empty_tree_leaves_everything_unknown(tmp_path: Path) -> None:
    said = agent.readings(str(tmp_path))
    assert said == {"clocks_mhz": {}, "governor": None, "temperature_c": None, "throttling": None, "mode": None,
                    "load": None}  # fmt: skip
    assert agent.machine(str(tmp_path))["board"] == "unknown board"
    assert agent.find_power(str(tmp_path)) == (None, "there is neither an INA3221 nor RAPL")


@pytest.mark.parametrize(("word", "state"), [("0x0", 0.0), ("0x50000", 0.0), ("0x50005", 5.0)])
def test_a_raspberrys_firmware_tells_what_holds_now(word: str, state: float, tmp_path: Path) -> None:
    root = plant(tmp_path, {"sys/devices/platform/soc/soc:firmware/get_throttled": word})
    assert agent.readings(root)["throttling"] == {"state firmware": state}


def test_counts_of_throttling_are_kept_apart_from_states(tmp_path: Path) -> None:
    root = plant(tmp_path, {
        "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "7",
        "sys/class/hwmon/hwmon3/oc1_event_cnt": "2",
    })  # fmt: skip
    assert agent.readings(root)["throttling"] == {"count cpu1": 7.0, "count oc1_event_cnt": 2.0}


def hwmon(rails: dict[str, tuple[int, int]]) -> dict[str, str]:
    files = {"sys/class/hwmon/hwmon4/name": "ina3221\n"}
    for place, (label, (millivolts, milliamperes)) in enumerate(rails.items(), start=1):
        files[f"sys/class/hwmon/hwmon4/in{place}_label"] = label
        files[f"sys/class/hwmon/hwmon4/in{place}_input"] = str(millivolts)
        files[f"sys/class/hwmon/hwmon4/curr{place}_input"] = str(milliamperes)
    return files


@pytest.mark.parametrize(
    ("files", "rails", "watts"),
    [
        (hwmon({"VDD_IN": (5000, 1200), "VDD_CPU_GPU_CV": (5000, 400), "VDD_SOC": (5000, 300)}), ["VDD_IN"], 6.0),
        (hwmon({"VDD_GPU_SOC": (20000, 100), "VDD_CPU_CV": (20000, 50), "VIN_SYS_5V0": (5000, 800)}),
         ["VDD_CPU_CV", "VDD_GPU_SOC", "VIN_SYS_5V0"], 7.0),
        ({f"sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/{name}_{k}{end}": value
          for k, (label, milliwatts) in enumerate((("POM_5V_IN", "4100"), ("POM_5V_GPU", "900"), ("POM_5V_CPU", "15")))
          for name, end, value in (("rail_name", "", label), ("in_power", "_input", milliwatts))
          } | {}, ["POM_5V_IN"], 4.1),
    ],
    ids=["the total of an Orin Nano", "rails of an AGX Orin", "the total of a Nano"],
)  # fmt: skip
def test_rails_are_not_counted_twice(files: dict[str, str], rails: list[str], watts: float, tmp_path: Path) -> None:
    # The old driver names the files in_power0_input, with the number inside.
    files = {path.replace("in_power_", "in_power"): content for path, content in files.items()}
    meter, reason = agent.find_power(plant(tmp_path, files))
    assert reason == ""
    assert meter is not None
    assert (meter.sensor, meter.rails) == ("ina3221", rails)
    meter.start()
    meter.sample()
    assert meter.stop() == pytest.approx(watts)


def test_an_unreadable_rail_is_one_line(tmp_path: Path) -> None:
    files = hwmon({"VDD_IN": (5000, 1200)})
    del files["sys/class/hwmon/hwmon4/curr1_input"]
    with pytest.raises(agent.Refusal, match=r"the power rail VDD_IN cannot be read .*: run with sudo, or .* --watts"):
        agent.find_power(plant(tmp_path, files))


def test_rapl_counts_joules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = "sys/class/powercap/intel-rapl:0"
    root = plant(tmp_path, {
        f"{place}/name": "package-0", f"{place}/energy_uj": "9000000", f"{place}/max_energy_range_uj": "10000000",
        "sys/class/powercap/intel-rapl:0:0/name": "core", "sys/class/powercap/intel-rapl:0:0/energy_uj": "5",
    })  # fmt: skip
    meter, _ = agent.find_power(root)
    assert meter is not None
    assert (meter.sensor, meter.rails) == ("rapl", ["intel-rapl:0 package-0"]), "cores are part of their package"
    now = iter([0.0, 2.0])
    monkeypatch.setattr(agent.time, "perf_counter", lambda: next(now))
    meter.start()
    (tmp_path / place / "energy_uj").write_text("3000000")  # it ran over: 1 J to the end, 3 J since
    assert meter.stop() == pytest.approx(2.0)


def test_rapl_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    place = "sys/class/powercap/intel-rapl:0"
    root = plant(tmp_path, {f"{place}/name": "package-0"})
    (tmp_path / place / "energy_uj").mkdir()
    meter, reason = agent.find_power(root)
    assert meter is None
    assert "RAPL is there and cannot be read" in reason


def test_idle_and_active_watts_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Meter:
        sensor, rails, running = "ina3221", ("X",), False

        def start(self) -> None:
            self.seen = False

        def sample(self) -> None:
            self.seen = self.seen or network.ran

        def stop(self) -> float:
            return 9.0 if self.seen else 2.0

    class Network(agent.Session):
        ran = False

        def run(self) -> None:
            self.ran = True

    network = Network()
    log = agent.Log(str(tmp_path / "log"))
    agent.measure_power(Meter(), network, log, seconds=0.06)
    agent.measure_power(Meter(), network, log, seconds=0.06)
    log.close()
    assert [(line["idle_w"], line["active_w"]) for line in log.lines] == [(2.0, 9.0)], "and only once"


# --- packing ----------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=70),
    st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 16, 32]),
)
def test_the_device_sends_the_bytes_that_the_server_knows(values: list[float], bits: int) -> None:
    x = np.asarray(values, dtype=np.float32) + np.float32(0)  # which of the two zeros is least, nobody says
    data = agent.pack(x, bits)
    assert data == payload.pack(torch.from_numpy(x), bits)
    assert np.array_equal(agent.unpack(data, x.shape), payload.unpack(data, x.shape).numpy())


def test_codec_tasks_cover_what_is_asked_for() -> None:
    tasks = agent.codec_tasks({"elements": [10, 20], "bits": [4, 8], "sides": [16], "qualities": [50]})
    ops = sorted(task.label["op"] for task in tasks)
    assert ops == sorted(["pack"] * 4 + ["unpack"] * 4 + ["zstd"] * 4 + ["unzstd"] * 4
                         + ["jpeg_encode", "jpeg_decode", "webp_encode", "webp_decode"])  # fmt: skip
    for task in tasks:
        assert task.work(task.prepare()) is not None


def test_coding_sends_about_the_bytes_that_the_server_knows() -> None:
    tasks = agent.codec_tasks({"elements": [2000], "bits": [4], "sides": [], "qualities": []})
    coded = {(task.label["op"], task.label["bits"]): task for task in tasks}
    x = coded["zstd", 4].prepare()
    data = coded["zstd", 4].work(x)
    header = 8  # of a frame that says its length, which the payload's own header says already
    assert 0 <= len(data) - len(payload.pack(torch.from_numpy(x), 4, "zstd")) <= header
    assert len(data) < len(agent.pack(x, 4))
    assert np.allclose(coded["unzstd", 4].work(data), agent.unpack(agent.pack(x, 4), x.shape))


def test_without_the_packages_tensors_alone_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "_optional", lambda name: None)
    tasks = agent.codec_tasks({"elements": [10], "bits": [8], "sides": [16], "qualities": [50]})
    assert [task.label["op"] for task in tasks] == ["pack", "unpack"]


def test_a_made_up_photograph_is_as_hard_as_one() -> None:
    found = agent.photograph(64)
    assert (found.shape, found.dtype) == ((64, 64, 3), np.uint8)
    assert (found.min(), found.max()) == (0, 255)
    task = next(task for task in agent.image_tasks(found, 75) if task.label["op"] == "jpeg_encode")
    bits_per_pixel = 8 * task.size / 64**2
    assert 0.5 < bits_per_pixel < 8, "neither flat nor noise"


def test_a_message_goes_and_its_answer_comes() -> None:
    echo = agent.Echo()
    try:
        (task,) = agent.message_tasks(echo)
        assert task.work(task.prepare()) == b"done"
        assert echo.exchange(b"x" * 3_000_000) == b"done"
    finally:
        echo.close()


# --- the record -------------------------------------------------------------------------------------------------------


def test_a_line_that_a_kill_cut_short_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"what": "visit", "item": "a", "round": 0}\n{"what": "vis')
    log = agent.Log(str(path))
    assert log.has("visit", "a", 0)
    assert not log.has("visit", "a", 1)
    log.add(what="visit", item="a", round=1)
    log.close()
    assert [json.loads(line)["round"] for line in path.read_text().splitlines()] == [0, 1]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("not\njson\n")
    with pytest.raises(agent.Refusal, match="line 1 is no JSON"):
        agent.Log(str(tmp_path / "log"))


# --- rounds -----------------------------------------------------------------------------------------------------------


class Fake(agent.Runtime):
    """A runtime whose clock is its own: network `a` takes 1 ms, `b` takes 2 ms."""

    def __init__(self, held: int = 0) -> None:
        self.loads: list[str] = []
        self.runs: list[str] = []
        self.begun: list[str] = []
        self.held = held
        self.alone = False
        self.ms = {name: float(place) for place, name in enumerate("abcdef", start=1)}

    def load(self, item: dict[str, Any]) -> agent.Session:
        runtime, name = self, item["name"]
        self.loads.append(name)

        class Session(agent.Session):
            held = runtime.held
            alone = runtime.alone

            def begin(self) -> None:
                runtime.begun.append(name)

            def run(self) -> None:
                runtime.runs.append(name)

            def timed(self) -> list[float | None]:
                self.run()
                return [runtime.ms[name], runtime.ms[name]]

        return Session()


ITEMS = [{"name": name} for name in "abcdef"]


def test_every_round_visits_everything_in_an_order_of_its_own(tmp_path: Path, short: None) -> None:
    log = agent.Log(str(tmp_path / "log"))
    agent.measure(ITEMS, Fake(), log)
    log.close()
    orders = [[line["item"] for line in log.lines if line["what"] == "visit" and line["round"] == k] for k in range(4)]
    assert all(sorted(order) == sorted("abcdef") for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert all(len(line["samples"]) >= 2 for line in log.lines if line["what"] == "visit")


def test_a_session_hears_when_a_visit_begins(tmp_path: Path, short: None) -> None:
    runtime, log = Fake(), agent.Log(str(tmp_path / "log"))
    agent.measure(ITEMS, runtime, log)
    log.close()
    assert runtime.begun == [line["item"] for line in log.lines if line["what"] == "visit"]


def test_the_yardstick_runs_before_every_visit(tmp_path: Path, short: None) -> None:
    runtime = Fake()
    runtime.ms[agent.YARDSTICK] = 0.25
    runtime.alone = True
    log = agent.Log(str(tmp_path / "log"))
    agent.measure([*ITEMS[:2], {"name": agent.YARDSTICK}], runtime, log)
    log.close()
    visits = [line for line in log.lines if line["what"] == "visit"]
    assert [line["yardstick"] for line in visits] == [0.25] * 12
    assert {line["item"] for line in visits} == {"a", "b", agent.YARDSTICK}, "it is measured like the others, too"
    assert runtime.runs.count(agent.YARDSTICK) >= 2 * len(visits)


@pytest.mark.parametrize(("alone", "items"), [(False, [*ITEMS[:2], {"name": agent.YARDSTICK}]), (True, ITEMS[:2])])
def test_no_pace_is_told_without_one_or_where_others_compute(
    tmp_path: Path, short: None, alone: bool, items: list[dict[str, Any]]
) -> None:
    runtime = Fake()
    runtime.ms[agent.YARDSTICK] = 0.25
    runtime.alone = alone
    log = agent.Log(str(tmp_path / "log"))
    agent.measure(items, runtime, log)
    log.close()
    assert {line["yardstick"] for line in log.lines if line["what"] == "visit"} == {None}


def test_short_networks_are_run_more_often(tmp_path: Path, short: None) -> None:
    log = agent.Log(str(tmp_path / "log"))
    agent.measure(ITEMS, Fake(), log)
    log.close()
    runs = {line["item"]: len(line["samples"]) for line in log.lines if line["what"] == "visit"}
    assert runs["a"] == 6 > runs["b"] == 3 > runs["f"] == 2


def test_a_second_start_goes_on_where_the_first_was(tmp_path: Path, short: None) -> None:
    whole, parts = Fake(), Fake()
    log = agent.Log(str(tmp_path / "whole"))
    agent.measure(ITEMS, whole, log)
    log.close()

    class Stop(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if what == "round 3" and done == 3:
            raise Stop

    first = agent.Log(str(tmp_path / "parts"))
    with pytest.raises(Stop):
        agent.measure(ITEMS, parts, first, say=stop)
    first.close()
    second = agent.Log(str(tmp_path / "parts"))
    agent.measure(ITEMS, parts, second)
    second.close()
    visits = [
        [(line["item"], line["round"]) for line in found.lines if line["what"] == "visit"] for found in (log, second)
    ]
    assert visits[0] == visits[1]


def test_time_decides_how_many_rounds_and_their_number_is_even(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr(agent.time, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setitem(agent.PRESETS, "quick", {"seconds": 5.0, "least": 2, "most": 100})
    log = agent.Log(str(tmp_path / "log"))
    agent.measure(ITEMS[:1], Fake(), log, "quick")
    log.close()
    rounds = sum(line["what"] == "round" for line in log.lines)
    assert 2 <= rounds <= 8
    assert rounds % 2 == 0


def test_what_the_memory_does_not_hold_is_loaded_again(
    tmp_path: Path, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "_free", lambda: 1000)
    monkeypatch.setattr(agent, "_resident", lambda: 0)
    roomy, tight = Fake(held=1), Fake(held=300)  # 60 % of 1000: two of 300 fit
    for name, runtime in (("roomy", roomy), ("tight", tight)):
        log = agent.Log(str(tmp_path / name))
        agent.measure(ITEMS, runtime, log)
        log.close()
    assert len(roomy.loads) == 6
    assert len(tight.loads) == 12, "once for two rounds"
    visits = [(line["item"], line["round"]) for line in log.lines if line["what"] == "visit"]
    assert len(visits) == len(set(visits)) == 24
    first = [item for item, number in visits if number == 0][:3]
    assert {number for _, number in visits[:6]} == {0, 1}, (
        "a part of the networks is visited twice before the next part"
    )
    assert sorted(item for item, number in visits[:6] if number == 1) == sorted(first)


def test_a_network_that_had_to_be_loaded_is_run_for_half_as_long() -> None:
    session = Fake().load({"name": "f"})  # 6 ms
    nothing = agent._Yardstick([], Fake())
    assert [len(agent._visit(session, waited, nothing)["samples"]) for waited in (0.0, 48.0, 1000.0)] == [2, 4, 8]


def test_a_long_run_has_the_yardstick_before_each(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Fake()
    runtime.alone = True
    runtime.ms |= {agent.YARDSTICK: 1.0, "a": 50.0, "b": 9.0}
    yardstick = agent._Yardstick([{"name": agent.YARDSTICK}], runtime)
    for name, before in (("a", 3), ("b", 1)):
        runtime.runs.clear()
        taken = agent._visit(runtime.load({"name": name}), 0.0, yardstick)
        assert (len(taken["samples"]), taken["yardstick"]) == (2, 1.0)
        assert runtime.runs.count(agent.YARDSTICK) == 2 * before, "twice each time"


def test_two_rounds_do_where_loading_takes_all_the_time() -> None:
    limits = {"seconds": 100.0, "least": 6, "most": 20}
    assert [agent._is_wanted(number, 0.0, limits) for number in (0, 2, 6)] == [True] * 3
    assert [agent._is_wanted(number, 150.0, limits) for number in (2, 4, 6)] == [True, True, False]
    assert [agent._is_wanted(number, 250.0, limits) for number in (0, 2, 4)] == [True, False, False]


def test_memory_that_no_network_owns_up_to_counts_too(
    tmp_path: Path, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that takes the place of one that left seems to take nothing."""
    crowded = Fake(held=1)
    monkeypatch.setattr(agent, "_free", lambda: 1000)
    monkeypatch.setattr(agent, "_resident", lambda: 300 * len(crowded.loads))
    log = agent.Log(str(tmp_path / "log"))
    agent.measure(ITEMS, crowded, log)
    log.close()
    assert len(crowded.loads) == 12, "anew for every two rounds"


def test_samples_of_another_measurement_are_not_mixed_in(tmp_path: Path) -> None:
    log = agent.Log(str(tmp_path / "log"))
    settings = {"preset": "quick", "seed": 0, "watts": None}
    agent.begin({"id": "a"}, Fake(), log, settings)
    agent.begin({"id": "a"}, Fake(), log, settings)
    with pytest.raises(agent.Refusal, match="was begun with other preset: name another folder with -o"):
        agent.begin({"id": "a"}, Fake(), log, settings | {"preset": "thorough"})
    with pytest.raises(agent.Refusal, match="was begun with other jobs"):
        agent.begin({"id": "b"}, Fake(), log, settings)
    log.close()


# --- runtimes ---------------------------------------------------------------------------------------------------------


def test_a_provider_that_is_not_there_is_one_line() -> None:
    with pytest.raises(
        agent.Refusal, match=r"the provider TensorrtExecutionProvider is not installed; there are: .*CPU"
    ):
        agent.OnnxRuntime(".", "TensorrtExecutionProvider")
    with pytest.raises(agent.Refusal, match="float16 needs TensorrtExecutionProvider"):
        agent.OnnxRuntime(".", dtype="float16")


def test_a_runtime_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(agent.Refusal, match="ONNX Runtime is not installed: pip install onnxruntime"):
        agent.OnnxRuntime(".")
    with pytest.raises(agent.Refusal, match="TensorRT is not installed"):
        agent.TensorRt(".")


def test_the_whole_command_measures_a_folder(jobs_folder: Path, tmp_path: Path, short: None) -> None:
    status = agent.main([str(jobs_folder), "--quick", "--watts", "5", "-o", str(tmp_path / "samples")])
    assert status == 0
    lines = [json.loads(line) for line in (tmp_path / "samples" / "samples.jsonl").read_text().splitlines()]
    assert [lines[0]["what"], lines[-1]["what"]] == ["start", "end"]
    jobs = json.loads((jobs_folder / "jobs.json").read_text())
    visited = {line["item"] for line in lines if line["what"] == "visit"}
    assert visited == {item["name"] for item in jobs["items"]}
    for line in lines:
        for wall, own in line.get("samples", ()):
            assert wall > 0
            assert own is None or (math.isfinite(own) and own > 0)
    profiled = [line["file"] for line in lines if line["what"] == "profile"]
    assert len(profiled) == sum(item["profile"] for item in jobs["items"]) > 0
    assert all((tmp_path / "samples" / name).is_file() for name in profiled)


@pytest.mark.parametrize("content", ["", "[1]", '{"schema": 2}', "{"])
def test_jobs_of_another_schema_are_one_line(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "jobs.json").write_text(content)
    assert agent.main([str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("agent: ")
    assert said.count("\n") == 1


class FakeCuda:
    """Stands for the CUDA runtime: events lie 2.5 ms apart."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def call(self, name: str, *arguments: Any) -> None:
        self.calls.append(name)
        if name == "cudaEventElapsedTime":
            arguments[0]._obj.value = 2.5

    def allocate(self, size: int) -> Any:
        return SimpleNamespace(value=size)

    def make(self, function: str) -> Any:
        return SimpleNamespace(value=1)


def fake_tensorrt(version: str, *, new: bool) -> Any:
    """As much of TensorRT's interface, old or new, as the agent uses; the real one could not be tried."""
    shapes = [(1, 3, 4, 4), (1, 10)]

    class Context:
        profiler: Any = None
        runs = 0

        def set_tensor_address(self, name: str, place: int) -> None:
            pass

        def _run(self, *arguments: Any) -> None:
            self.runs += 1
            if self.profiler is not None:
                self.profiler.report_layer_time("conv1 + relu", 1.5)

        execute_async_v2 = execute_async_v3 = _run

    old = {"num_bindings": 2, "get_binding_shape": lambda k: shapes[k], "get_binding_dtype": lambda k: "f4"}
    recent = {"num_io_tensors": 2, "get_tensor_name": lambda k: k, "get_tensor_shape": lambda k: shapes[k],
              "get_tensor_dtype": lambda k: "f4"}  # fmt: skip
    context = Context()
    inspector = SimpleNamespace(get_engine_information=lambda form: '{"Layers": []}')
    engine = SimpleNamespace(
        create_execution_context=lambda: context,
        create_engine_inspector=lambda: inspector,
        **(recent if new else old),
    )
    later = {"LayerInformationFormat": SimpleNamespace(JSON=1)} if new else {}
    flags: list[str] = []
    config = SimpleNamespace(set_flag=flags.append, profiling_verbosity=None)
    builder = SimpleNamespace(create_network=lambda flag: flag, create_builder_config=lambda: config,
                              build_serialized_network=lambda network, config: b"engine")  # fmt: skip
    parser = SimpleNamespace(parse_from_file=lambda path: "bad" not in path, get_error=lambda k: "an odd node")
    return SimpleNamespace(
        __version__=version, nptype=lambda kind: np.float32, context=context, flags=flags,
        Logger=type("Logger", (), {"ERROR": 1, "__init__": lambda self, level: None}),
        Builder=lambda logger: builder, OnnxParser=lambda network, logger: parser,
        NetworkDefinitionCreationFlag=SimpleNamespace(EXPLICIT_BATCH=0),
        BuilderFlag=SimpleNamespace(FP16="fp16"), ProfilingVerbosity=SimpleNamespace(DETAILED=2),
        Runtime=lambda logger: SimpleNamespace(deserialize_cuda_engine=lambda data: engine),
        IProfiler=type("IProfiler", (), {}),
        **later,
    )  # fmt: skip


@pytest.mark.parametrize(("version", "new"), [("8.2.1", False), ("10.3.0", True)])
def test_tensorrt_of_both_ages(version: str, new: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trt = fake_tensorrt(version, new=new)
    monkeypatch.setitem(sys.modules, "tensorrt", trt)
    cuda = FakeCuda()
    monkeypatch.setattr(agent, "_Cuda", lambda: cuda)
    runtime = agent.TensorRt(str(tmp_path), dtype="float16")
    item = {"name": "a", "model": "a.onnx"}
    session = runtime.load(item)
    assert (tmp_path / f"a.onnx.{version}.float16.engine").read_bytes() == b"engine"
    assert trt.flags == ["fp16"]
    assert session.timed() == [2.5, None], "by events, and no thread's own time"
    written = runtime.profile(item, 4, str(tmp_path / "profile"))
    assert written is not None
    count, layer = json.loads(Path(written).read_text())
    assert count == {"count": 4}
    assert (layer["name"], layer["averageMs"], layer["medianMs"]) == ("conv1 + relu", 1.5, 1.5)
    assert (tmp_path / "profile.layers.json").is_file() is new
    with pytest.raises(agent.Refusal, match=r"TensorRT cannot read bad.onnx: an odd node"):
        runtime.load({"name": "b", "model": "bad.onnx"})


def test_cuda_that_does_not_load_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Callable[[], None]:
        raise OSError(name)

    monkeypatch.setattr(agent.ctypes, "CDLL", refuse)
    with pytest.raises(agent.Refusal, match=r"the CUDA runtime .* does not load"):
        agent._Cuda()
