#!/usr/bin/env python3
"""Measures networks on the machine where it runs; one file, so that copying it to a device is all that has to be done.

    python3 agent.py jobs/                                     ONNX Runtime, one thread, CPU
    python3 agent.py jobs/ --provider TensorrtExecutionProvider --dtype float16
    python3 agent.py jobs/ --runtime tensorrt --dtype float16  TensorRT itself

It needs Python 3.6, numpy, and onnxruntime or TensorRT; never torch. Where Pillow and zstandard are installed it also
measures image files and lossless coding. `jobs/` comes from `splitsearch device jobs`; `jobs/samples/` is what has to
go back. Stopped, it goes on where it was: every visit is one line of `samples/samples.jsonl`.

Protocol: rounds; in each, every network is visited once, in an order of the round's own (where the memory does not hold
all of them, two rounds go through one part of them after the other); a visit warms up, then times single runs, by the
wall clock and, where one thread does all the work, by that thread's own time beside it. Before each visit, and
between the runs of a long one, a yardstick runs, which is always the same small network: it tells how fast the machine
is at that moment.
"""

# The grammar is that of Python 3.6, and typing's names are those of its time.
import argparse
import contextlib
import ctypes
import gc
import glob
import importlib
import io
import json
import os
import platform
import random
import shutil
import socket
import struct
import subprocess
import sys
import time
import zlib
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import numpy as np

__all__ = ["PRESETS", "YARDSTICK", "Log", "OnnxRuntime", "Refusal", "Runtime", "Session", "TensorRt", "codec_tasks",
           "find_power", "machine", "main", "measure", "measure_power", "measure_tasks", "message_tasks", "pack",
           "rails", "readings", "unpack"]  # fmt: skip

VERSION = "0.2.0"
YARDSTICK = "yardstick"  # the network of this name runs before every visit, and tells how fast the machine is then
PRESETS = {
    "quick": {"seconds": 40.0, "least": 4, "most": 40},
    "standard": {"seconds": 120.0, "least": 6, "most": 100},
    "thorough": {"seconds": 900.0, "least": 12, "most": 300},
}  # type: Dict[str, Dict[str, float]]
PROFILED_RUNS = 20
_MOST_RUNS = 8
_VISIT_MS = 6.0
_LONG_MS = 10.0  # within so long the machine's pace is another
_PATIENCE = 2.0  # times the preset's seconds, and two rounds will do: large networks load for longer than they run
_RESIDENT = 0.6  # share of the free memory that loaded networks may take

Line = Dict[str, Any]
Say = Callable[[str, int, int], None]


class Refusal(Exception):
    """What the user has to put right, in one line."""


# ---------------------------------------------------------------------------------------------------------------------
# What the machine says about itself. `root` is where sysfs and procfs lie, another folder in tests.


def _text(path: str) -> Optional[str]:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace").strip("\0\n ") or None
    except OSError:
        return None


def _number(path: str) -> Optional[float]:
    try:
        return float(_text(path) or "")
    except ValueError:
        return None


def _places(root: str, pattern: str) -> List[str]:
    return sorted(glob.glob(os.path.join(root, pattern)))


def machine(root: str = "/") -> Line:
    """Board, processor, memory and system; nothing that tells one copy of a board from another."""
    cpu = platform.machine()
    for line in (_text(os.path.join(root, "proc/cpuinfo")) or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Hardware") and value.strip():
            cpu = value.strip()
            break
    memory = 0.0
    for line in (_text(os.path.join(root, "proc/meminfo")) or "").splitlines():
        if line.startswith("MemTotal:"):
            memory = int(line.split()[1]) / 1024.0
    board = _text(os.path.join(root, "proc/device-tree/model")) or _text(
        os.path.join(root, "sys/devices/virtual/dmi/id/product_name")
    )
    return {
        "board": board or "unknown board",
        "cpu": cpu,
        "cores": os.cpu_count() or 1,
        "accelerator": None,
        "memory_mib": memory or 1.0,
        "os": _system(root),
        "python": platform.python_version(),
    }


def _system(root: str) -> str:
    name = f"{platform.system()} {platform.release()}"
    for line in (_text(os.path.join(root, "etc/os-release")) or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            name = line.split("=", 1)[1].strip('"')
    release = (_text(os.path.join(root, "etc/nv_tegra_release")) or "").splitlines()
    return "{}, L4T {}".format(name, release[0].lstrip("# ").split(", GCID")[0]) if release else name


def readings(root: str = "/") -> Line:
    """Clocks, temperature, throttling, governor, power mode and load at this moment; None for what cannot be read."""
    clocks = {}  # type: Dict[str, float]
    for path in _places(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"):
        value = _number(path)
        if value:
            clocks[path.split(os.sep)[-3]] = value / 1e3
    for path in _places(root, "sys/class/devfreq/*/cur_freq"):
        value = _number(path)
        if value:
            clocks[path.split(os.sep)[-2]] = value / 1e6
    emc = _number(os.path.join(root, "sys/kernel/debug/bpmp/debug/clk/emc/rate"))
    if emc:
        clocks["emc"] = emc / 1e6
    governors = {_text(path) for path in _places(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")}
    hottest = [_number(path) for path in _places(root, "sys/class/thermal/thermal_zone*/temp")]
    degrees = [value / 1e3 for value in hottest if value is not None and 0 < value < 2e5]
    load = _text(os.path.join(root, "proc/loadavg"))
    return {
        "clocks_mhz": clocks,
        "governor": ", ".join(sorted(name for name in governors if name)) or None,
        "temperature_c": max(degrees) if degrees else None,
        "throttling": _throttling(root),
        "mode": _power_mode(root),
        "load": float(load.split()[0]) if load else None,
    }


def _throttling(root: str) -> Optional[Dict[str, float]]:
    """Whatever counts or states throttling, by name; a state other than 0, or a count that grows, is throttling."""
    found = {}  # type: Dict[str, Optional[float]]
    raspberry = _text(os.path.join(root, "sys/devices/platform/soc/soc:firmware/get_throttled"))
    if raspberry:
        found["state firmware"] = float(int(raspberry, 16) & 0xF)  # the lower bits say what holds at this moment
    for path in _places(root, "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count"):
        found["count " + path.split(os.sep)[-3]] = _number(path)
    for path in _places(root, "sys/class/hwmon/hwmon*/oc*_event_cnt"):
        found["count " + os.path.basename(path)] = _number(path)
    for path in _places(root, "sys/class/thermal/cooling_device*/cur_state"):
        kind = _text(os.path.join(os.path.dirname(path), "type")) or ""
        if "fan" not in kind.lower():  # a fan that turns does not slow anything down
            found[f"state {path.split(os.sep)[-2]} {kind}"] = _number(path)
    known = {name: value for name, value in found.items() if value is not None}
    return known or None


def _power_mode(root: str) -> Optional[str]:
    if root == "/" and shutil.which("nvpmodel"):
        try:
            said = subprocess.check_output(["nvpmodel", "-q"], stderr=subprocess.DEVNULL, timeout=10).decode()
        except (OSError, subprocess.SubprocessError):
            said = ""
        for line in said.splitlines():
            if line.startswith("NV Power Mode:"):
                return line.split(":", 1)[1].strip()
    status = _text(os.path.join(root, "var/lib/nvpmodel/status"))
    return status.replace("pmode:", "nvpmodel ") if status else None


# ---------------------------------------------------------------------------------------------------------------------
# Power. A Jetson's INA3221 counts several rails; where one carries the total, the others are parts of it.

_TOTALS = ("POM_5V_IN", "VDD_IN", "5V_IN", "VIN", "VDD_TOTAL")
_PART_OF_OTHERS = ("VDDQ_VDD2_1V8AO",)  # of AGX Orin: fed from VIN_SYS_5V0, which is a rail of its own


def rails(root: str = "/") -> Dict[str, Callable[[], float]]:
    """Rail to a function that reads its watts; as the INA3221 of a Jetson offers them, in old and new JetPacks.

    Raises:
        Refusal: there is a rail and it cannot be read.
    """
    found = {}  # type: Dict[str, Callable[[], float]]
    for label in _places(root, "sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_*"):
        stem, number = os.path.dirname(label), label.rsplit("_", 1)[1]
        found[_text(label) or number] = _watts(os.path.join(stem, f"in_power{number}_input"))
    for place in _places(root, "sys/class/hwmon/hwmon*"):
        if _text(os.path.join(place, "name")) == "ina3221":
            for label in _places(place, "in[123]_label"):
                number = os.path.basename(label)[2]
                volts, amperes = (os.path.join(place, form.format(number)) for form in ("in{}_input", "curr{}_input"))
                found[_text(label) or number] = _watts(volts, amperes)
    for total in _TOTALS:
        if total in found:
            found = {total: found[total]}
    if "VIN_SYS_5V0" in found:
        found = {name: read for name, read in found.items() if name not in _PART_OF_OTHERS}
    for name, read in found.items():
        try:
            read()
        except (OSError, ValueError) as error:
            raise Refusal(
                f"the power rail {name} cannot be read ({error}): run with sudo, or state the power with --watts"
            ) from error
    return found


def _watts(first: str, second: Optional[str] = None) -> Callable[[], float]:
    """Of a file in milliwatts, or of two in millivolts and milliamperes."""

    def read() -> float:
        values = []
        for path in (first, second):
            if path is not None:
                with open(path) as file:
                    values.append(float(file.read()))
        return values[0] / 1e3 if len(values) == 1 else values[0] * values[1] / 1e6

    return read


class Rails:
    """Mean watts over a stretch of time, from samples."""

    def __init__(self, found: Dict[str, Callable[[], float]]) -> None:
        self.sensor, self.rails, self._read = "ina3221", sorted(found), found
        self._samples = []  # type: List[float]

    def start(self) -> None:
        self._samples = []

    def sample(self) -> None:
        self._samples.append(sum(read() for read in self._read.values()))

    def stop(self) -> float:
        self.sample()
        return sum(self._samples) / len(self._samples)


class Rapl:
    """Mean watts over a stretch of time, from the energy counters of x86 processors (whole packages, and DRAM)."""

    def __init__(self, counters: Dict[str, str]) -> None:
        self.sensor, self.rails, self._counters = "rapl", sorted(counters), counters
        self._from, self._since = {}, 0.0  # type: Dict[str, float], float

    def start(self) -> None:
        self._since, self._from = time.perf_counter(), self._joules()

    def sample(self) -> None:
        pass

    def stop(self) -> float:
        seconds, after = time.perf_counter() - self._since, self._joules()
        used = 0.0
        for name, value in after.items():
            step = value - self._from[name]
            if step < 0:  # the counter started again
                step += (_number(os.path.join(os.path.dirname(self._counters[name]), "max_energy_range_uj")) or 0) / 1e6
            used += step
        return used / seconds

    def _joules(self) -> Dict[str, float]:
        found = {}
        for name, path in self._counters.items():
            with open(path) as file:
                found[name] = float(file.read()) / 1e6
        return found


def find_power(root: str = "/") -> Tuple[Optional[Any], str]:
    """A meter, or None and the reason in one line.

    Raises:
        Refusal: a Jetson's rail is there and cannot be read.
    """
    found = rails(root)
    if found:
        return Rails(found), ""
    counters, refused = {}, ""
    for place in _places(root, "sys/class/powercap/*-rapl:*"):
        name = _text(os.path.join(place, "name")) or ""
        if name.startswith("package") or name == "dram":
            path = os.path.join(place, "energy_uj")
            try:
                with open(path) as file:
                    float(file.read())
                counters[f"{os.path.basename(place)} {name}"] = path
            except (OSError, ValueError) as error:
                refused = "RAPL is there and cannot be read ({})".format(getattr(error, "strerror", None) or error)
    if counters and not refused:
        return Rapl(counters), ""
    return None, refused or "there is neither an INA3221 nor RAPL"


# ---------------------------------------------------------------------------------------------------------------------
# Runtimes.


def cpu_seconds() -> float:
    """Time that this thread has computed."""
    return time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID)


class Session:
    """A loaded network that runs one image; `alone` if this thread does all the work."""

    alone = False
    held = 0  # bytes of memory, about

    def begin(self) -> None:
        """Called before the runs of a visit."""

    def run(self) -> Any:
        """Runs, and returns when the result is there."""
        raise NotImplementedError

    def timed(self) -> List[Optional[float]]:
        """Wall and thread milliseconds of one run; the second is None where others compute too."""
        cpu, wall = cpu_seconds(), time.perf_counter()
        self.run()
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        return [wall * 1e3, cpu * 1e3 if self.alone else None]


class Runtime:
    """What runs networks."""

    name = ""
    version = ""
    provider = ""
    threads = 1
    dtype = "float32"
    accelerator = None  # type: Optional[str]
    folder = "."

    @property
    def options(self) -> Dict[str, str]:
        """What differs from the runtime's own defaults."""
        return {}

    def load(self, item: Line) -> Session:
        """Loads one network of the jobs."""
        raise NotImplementedError

    def profile(self, item: Line, runs: int, stem: str) -> Optional[str]:
        """Writes the runtime's own profile of single kernels; returns its file, or None where there is none."""
        return None

    def describe(self) -> Line:
        """For the record."""
        names = ("name", "version", "provider", "threads", "dtype", "options")
        return {name: getattr(self, name) for name in names}


class _OnnxSession(Session):
    def __init__(self, session: Any, inputs: Dict[str, Any], where: str, held: int) -> None:
        self._session, self._inputs, self.held = session, inputs, held
        self._binding = None  # type: Any
        if where != "cpu":  # neither input nor output crosses to the accelerator inside the timed region
            values = importlib.import_module("onnxruntime").OrtValue
            self._binding = session.io_binding()
            for name, value in inputs.items():
                self._binding.bind_ortvalue_input(name, values.ortvalue_from_numpy(value, where, 0))
            for output in session.get_outputs():
                self._binding.bind_output(output.name, where)

    def run(self) -> Any:
        if self._binding is None:
            return self._session.run(None, self._inputs)
        self._session.run_with_iobinding(self._binding)
        return self._binding.synchronize_outputs()


class OnnxRuntime(Runtime):
    """ONNX Runtime with one of the execution providers that are installed."""

    name = "onnxruntime"

    def __init__(
        self, folder: str, provider: str = "CPUExecutionProvider", threads: int = 1, dtype: str = "float32"
    ) -> None:
        try:
            self._library = importlib.import_module("onnxruntime")
        except ImportError:
            raise Refusal("ONNX Runtime is not installed: pip install onnxruntime") from None
        known = self._library.get_available_providers()
        if provider not in known:
            raise Refusal("the provider {} is not installed; there are: {}".format(provider, ", ".join(known)))
        if dtype == "float16" and provider != "TensorrtExecutionProvider":
            raise Refusal(f"float16 needs TensorrtExecutionProvider or --runtime tensorrt, not {provider}")
        self.folder, self.provider, self.threads, self.dtype = folder, provider, threads, dtype
        self.version = self._library.__version__
        self._library.set_default_logger_severity(3)

    @property
    def options(self) -> Dict[str, str]:
        """Of the execution provider."""
        return {"trt_fp16_enable": "1", "trt_engine_cache_enable": "1"} if self.dtype == "float16" else {}

    def load(self, item: Line) -> Session:
        """Loads the item's ONNX file."""
        return self._load(item["model"], self._settings())

    def _settings(self) -> Any:
        settings = self._library.SessionOptions()
        settings.intra_op_num_threads = self.threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        # Random weights can make numbers that no trained network makes, and that processors are slow at.
        settings.add_session_config_entry("session.set_denormal_as_zero", "1")
        return settings

    def _load(self, model: str, settings: Any) -> _OnnxSession:
        providers = [(self.provider, dict(self.options))] if self.options else [self.provider]  # type: List[Any]
        if self.provider != "CPUExecutionProvider":
            providers.append("CPUExecutionProvider")  # for what the accelerator cannot do
        before = _resident()
        path = os.path.join(self.folder, model)
        session = self._library.InferenceSession(path, settings, providers=providers)
        if session.get_providers()[0] != self.provider:
            raise Refusal(f"ONNX Runtime cannot start {self.provider} here: its libraries do not load")
        draw = np.random.RandomState(zlib.crc32(model.encode()))
        inputs = {i.name: draw.standard_normal(i.shape).astype(np.float32) for i in session.get_inputs()}
        where = "cpu" if self.provider == "CPUExecutionProvider" else "cuda"
        made = _OnnxSession(session, inputs, where, max(_resident() - before, 1 << 20))
        made.alone = where == "cpu" and self.threads == 1
        return made

    def profile(self, item: Line, runs: int, stem: str) -> Optional[str]:
        """Writes ONNX Runtime's trace, and beside it the network as ONNX Runtime fused it."""
        settings = self._settings()
        settings.enable_profiling = True
        settings.profile_file_prefix = stem
        if self.provider == "CPUExecutionProvider":  # how ONNX Runtime fused it; other providers cannot write that
            settings.optimized_model_filepath = stem + ".optimized.onnx"
            settings.add_session_config_entry("session.optimized_model_external_initializers_file_name",
                                              os.path.basename(stem) + ".weights")  # fmt: skip
            settings.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "0")
        session = self._load(item["model"], settings)
        for _ in range(runs + 2):  # the reader leaves the first two out
            session.run()
        written = session._session.end_profiling()
        _remove(stem + ".weights")
        target = stem + ".json"
        os.replace(written, target)
        return target


class _Cuda:
    """The few functions of the CUDA runtime that TensorRT needs, without a package for them."""

    def __init__(self) -> None:
        for name in ("libcudart.so", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so.10.2"):
            try:
                self._library = ctypes.CDLL(name)
                return
            except OSError:
                continue
        raise Refusal("the CUDA runtime (libcudart.so) does not load: is CUDA on LD_LIBRARY_PATH?")

    def call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        if status != 0:
            raise Refusal(f"{name} failed with CUDA error {status}")

    def allocate(self, size: int) -> ctypes.c_void_p:
        place = ctypes.c_void_p()
        self.call("cudaMalloc", ctypes.byref(place), ctypes.c_size_t(size))
        return place

    def make(self, function: str) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        self.call(function, ctypes.byref(made))
        return made


class _TensorRtSession(Session):
    def __init__(self, trt: Any, cuda: _Cuda, engine: Any, seed: int) -> None:
        self._cuda, self.engine = cuda, engine
        self.context = engine.create_execution_context()
        self._new = hasattr(engine, "num_io_tensors")  # from TensorRT 8.5 on
        self._buffers, self._stream = [], cuda.make("cudaStreamCreate")  # type: List[ctypes.c_void_p], ctypes.c_void_p
        self._start, self._end = cuda.make("cudaEventCreate"), cuda.make("cudaEventCreate")
        draw = np.random.RandomState(seed)
        for index in range(engine.num_io_tensors if self._new else engine.num_bindings):
            name = engine.get_tensor_name(index) if self._new else index
            shape = tuple(engine.get_tensor_shape(name) if self._new else engine.get_binding_shape(index))
            kind = trt.nptype(engine.get_tensor_dtype(name) if self._new else engine.get_binding_dtype(index))
            values = draw.standard_normal(shape).astype(kind)
            place = cuda.allocate(values.nbytes)
            cuda.call("cudaMemcpy", place, values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(values.nbytes), 1)
            self._buffers.append(place)
            self.held += values.nbytes
            if self._new:
                self.context.set_tensor_address(name, place.value)

    def _enqueue(self) -> None:
        if self._new:
            self.context.execute_async_v3(self._stream.value)
        else:
            self.context.execute_async_v2([place.value for place in self._buffers], self._stream.value)

    def run(self) -> Any:
        self._enqueue()
        self._cuda.call("cudaStreamSynchronize", self._stream)

    def timed(self) -> List[Optional[float]]:
        self._cuda.call("cudaEventRecord", self._start, self._stream)
        self._enqueue()
        self._cuda.call("cudaEventRecord", self._end, self._stream)
        self._cuda.call("cudaEventSynchronize", self._end)
        taken = ctypes.c_float()
        self._cuda.call("cudaEventElapsedTime", ctypes.byref(taken), self._start, self._end)
        return [float(taken.value), None]

    def __del__(self) -> None:
        for place in getattr(self, "_buffers", ()):
            self._cuda.call("cudaFree", place)


class TensorRt(Runtime):
    """TensorRT without ONNX Runtime, as JetPack brings it; engines are built once and kept beside the jobs."""

    name = "tensorrt"
    provider = "cuda"

    def __init__(self, folder: str, threads: int = 1, dtype: str = "float32") -> None:
        try:
            self._trt = importlib.import_module("tensorrt")
        except ImportError:
            raise Refusal("TensorRT is not installed (JetPack brings it): try --runtime onnxruntime") from None
        self._cuda = _Cuda()
        self._logger = self._trt.Logger(self._trt.Logger.ERROR)
        self.folder, self.threads, self.dtype, self.version = folder, threads, dtype, self._trt.__version__
        self.accelerator = "CUDA GPU"

    def load(self, item: Line) -> Session:
        """Builds the item's engine, or takes the one that was built before."""
        with open(self._engine(item["model"]), "rb") as file:
            engine = self._trt.Runtime(self._logger).deserialize_cuda_engine(file.read())
        session = _TensorRtSession(self._trt, self._cuda, engine, zlib.crc32(item["model"].encode()))
        session.held += os.path.getsize(self._engine(item["model"]))
        return session

    def _engine(self, model: str) -> str:
        path = os.path.join(self.folder, model)
        kept = f"{path}.{self.version}.{self.dtype}.engine"
        if os.path.exists(kept):
            return kept
        trt = self._trt
        builder = trt.Builder(self._logger)
        explicit = getattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
        network = builder.create_network(0 if explicit is None else 1 << int(explicit))
        parser = trt.OnnxParser(network, self._logger)
        if not parser.parse_from_file(path):
            raise Refusal(f"TensorRT cannot read {model}: {parser.get_error(0)}")
        config = builder.create_builder_config()
        if self.dtype == "float16":
            config.set_flag(trt.BuilderFlag.FP16)
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        _write(kept, bytes(builder.build_serialized_network(network, config)))
        return kept

    def profile(self, item: Line, runs: int, stem: str) -> Optional[str]:
        """Writes the layers' times in the form of `trtexec --exportProfile`."""
        times = {}  # type: Dict[str, List[float]]

        class Profiler(self._trt.IProfiler):  # type: ignore[misc, name-defined]
            def report_layer_time(self, layer: str, milliseconds: float) -> None:
                times.setdefault(layer, []).append(milliseconds)

        session = self.load(item)
        profiler = Profiler()
        session.context.profiler = profiler  # type: ignore[attr-defined]
        for _ in range(runs + 2):
            session.run()
        rows = [{"name": name, "averageMs": sum(ms[2:]) / max(len(ms) - 2, 1), "medianMs": float(np.median(ms[2:])),
                 "timeMs": sum(ms[2:])} for name, ms in times.items()]  # fmt: skip
        _write(stem + ".json", json.dumps([{"count": runs}, *rows]).encode())
        kinds = getattr(self._trt, "LayerInformationFormat", None)
        if kinds is not None:  # from TensorRT 8.2 on it also says what a layer is
            inspector = session.engine.create_engine_inspector()  # type: ignore[attr-defined]
            _write(stem + ".layers.json", inspector.get_engine_information(kinds.JSON).encode())
        return stem + ".json"


def _resident() -> int:
    """Bytes of memory that this process holds."""
    text = _text("/proc/self/statm")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") if text else 0


def _free() -> int:
    for line in (_text("/proc/meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 1 << 31


# ---------------------------------------------------------------------------------------------------------------------
# The record.


def _write(path: str, content: bytes) -> None:
    with open(path + ".part", "wb") as file:
        file.write(content)
    os.replace(path + ".part", path)


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.remove(path)


class Log:
    """Lines of JSON that are only ever added to; what a kill cut short is dropped, so that the next start goes on."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines = []  # type: List[Line]
        whole = 0
        if os.path.exists(path):
            with open(path, "rb") as file:
                for raw in file:
                    if not raw.endswith(b"\n"):
                        break
                    try:
                        self.lines.append(json.loads(raw.decode("utf-8")))
                    except ValueError:
                        raise Refusal(f"{path} is no file of samples: line {len(self.lines) + 1} is no JSON") from None
                    whole += len(raw)
        self._file = open(path, "ab")
        self._file.truncate(whole)
        self._known = {self._key(line) for line in self.lines}

    @staticmethod
    def _key(line: Line) -> Tuple[Any, ...]:
        return (line.get("what"), line.get("item"), line.get("round"))

    def has(self, what: str, item: Optional[str] = None, number: Optional[int] = None) -> bool:
        """Whether an earlier start has done this."""
        return (what, item, number) in self._known

    def add(self, **line: Any) -> None:
        """Adds one line, at once."""
        self.lines.append(line)
        self._known.add(self._key(line))
        self._file.write(json.dumps(line, sort_keys=True).encode("utf-8") + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


# ---------------------------------------------------------------------------------------------------------------------
# Rounds.


class _Loaded:
    """Networks that stay loaded until the memory is full, and then leave together."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self._limit, self._base = runtime, _free() * _RESIDENT, _resident()
        self._sessions = {}  # type: Dict[str, Session]

    def get(self, item: Line) -> Tuple[Session, float]:
        """The network, and the milliseconds that it took to have it."""
        name, since = item["name"], time.perf_counter()
        if name not in self._sessions:
            self._sessions[name] = self._runtime.load(item)
            self._sessions[name].run()  # the first run allocates
        return self._sessions[name], 1e3 * (time.perf_counter() - since)

    def is_full(self) -> bool:
        """Whether there is no place for another."""
        # What a network is seen to take says nothing once it moves into the place of one that has left.
        grown = _resident() - self._base
        return max(grown, sum(session.held for session in self._sessions.values())) > self._limit

    def clear(self) -> None:
        """Lets all of them go."""
        self._sessions.clear()
        _give_back()


def _give_back() -> None:
    """Returns freed memory to the system where the C library knows how; it would keep it for itself."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class _Yardstick:
    """What the yardstick takes at this moment, where the jobs have one and one thread does all the work."""

    def __init__(self, items: List[Line], runtime: Runtime) -> None:
        found = [runtime.load(item) for item in items if item["name"] == YARDSTICK]
        self._session = found[0] if found and found[0].alone else None

    def ms(self) -> Optional[float]:
        """The better of two runs, in the thread's own milliseconds: the first one finds the caches of another."""
        if self._session is None:
            return None
        return min(self._session.timed()[1] or 0.0 for _ in range(2))


def _visit(session: Session, waited_ms: float, yardstick: _Yardstick) -> Line:
    """One run to warm up, and then as many timed ones as are needed to be worth the visit, and what it was to load."""
    told = [yardstick.ms()]
    session.begin()
    first = session.timed()[0] or 0.0
    samples = []
    for _ in range(max(2, min(_MOST_RUNS, int(max(_VISIT_MS, waited_ms / 2) / max(first, 1e-3))))):
        if first > _LONG_MS:
            told.append(yardstick.ms())
        samples.append(session.timed())
    known = [ms for ms in told if ms is not None]
    return {"samples": samples, "yardstick": sum(known) / len(known) if known else None}


def measure(
    items: List[Line], runtime: Runtime, log: Log, preset: str = "standard", seed: int = 0, say: Optional[Say] = None
) -> None:
    """Visits everything in rounds until the preset's time is spent, at least and at most as often as it says.

    Args:
        items: networks, each with a `name` of its own.
        runtime: loads them.
        log: what an earlier start has done is not done again.
        preset: one of `PRESETS`.
        seed: of the orders.
        say: hears what is done, how much of it, of how much.
    """
    limits, rounds = PRESETS[preset], _Rounds(items, runtime, log, say)
    spent = sum(line["seconds"] for line in log.lines if line["what"] == "round")
    number = 0
    while number < limits["most"] and _is_wanted(number, spent, limits):
        spent += rounds.two(number, seed)
        number += 2
    if say:
        say(f"{number} rounds", len(items), len(items))


class _Rounds:
    """Two rounds at a time: as many networks as fit into the memory are visited, and then all of them once more."""

    def __init__(self, items: List[Line], runtime: Runtime, log: Log, say: Optional[Say]) -> None:
        self._items, self._log, self._say = items, log, say
        self._yardstick, self._loaded = _Yardstick(items, runtime), _Loaded(runtime)

    def two(self, number: int, seed: int) -> float:
        """An even round and the odd one after it; returns the seconds that they took."""
        if self._log.has("round", None, number) and self._log.has("round", None, number + 1):
            return 0.0
        since, together = time.perf_counter(), []  # type: float, List[Line]
        for done, item in enumerate(self._shuffled(self._items, seed, number)):
            self._tell(number, done)
            self._visit(item, number)
            together.append(item)
            if self._loaded.is_full():
                self._again(together, number + 1, seed, done)
                self._loaded.clear()
                together = []
        self._again(together, number + 1, seed, len(self._items))
        seconds = time.perf_counter() - since
        for which in (number, number + 1):
            if not self._log.has("round", None, which):
                self._log.add(what="round", round=which, seconds=seconds / 2)
        return seconds

    def _again(self, together: List[Line], number: int, seed: int, done: int) -> None:
        for place, item in enumerate(self._shuffled(together, seed, number)):
            self._tell(number, done - len(together) + place)
            self._visit(item, number)

    def _visit(self, item: Line, number: int) -> None:
        if not self._log.has("visit", item["name"], number):
            taken = _visit(*self._loaded.get(item), yardstick=self._yardstick)
            self._log.add(what="visit", item=item["name"], round=number, **taken)

    @staticmethod
    def _shuffled(items: List[Line], seed: int, number: int) -> List[Line]:
        order = list(items)
        random.Random(f"{seed} {number}").shuffle(order)
        return order

    def _tell(self, number: int, done: int) -> None:
        if self._say:
            self._say(f"round {number + 1}", max(done, 0), len(self._items))


def _is_wanted(number: int, spent: float, limits: Dict[str, float]) -> bool:
    """Whether there is to be another round."""
    least = limits["least"] if spent < _PATIENCE * limits["seconds"] else 2
    return number < least or spent < limits["seconds"]


def measure_profiles(items: List[Line], runtime: Runtime, log: Log, folder: str, say: Optional[Say] = None) -> None:
    """Writes the runtime's own profile of every item that asks for one."""
    wanted = [item for item in items if item.get("profile")]
    for done, item in enumerate(wanted):
        if say:
            say("kernels", done, len(wanted))
        if not log.has("profile", item["name"]):
            stem = os.path.join(folder, f"profile-{done:03d}")
            path = runtime.profile(item, PROFILED_RUNS, stem)
            log.add(what="profile", item=item["name"], file=os.path.basename(path) if path else None)


# ---------------------------------------------------------------------------------------------------------------------
# Packing, image files and messages: each timed once after a run of a network, with the caches that it leaves.

_HEADER = struct.Struct("<BBIff")  # version, bits (the highest bit says zstd), elements, scale, zero


def pack(x: Any, bits: int) -> bytes:
    """What the device sends: the bytes that `splitsearch` packs, made with numpy alone."""
    if bits == 32:
        return _HEADER.pack(1, 32, x.size, 1.0, 0.0) + bytes(x.astype("<f4").tobytes())
    q, scale, zero = _quantised(x, bits)
    return _HEADER.pack(1, bits, x.size, scale, zero) + _tight(q, bits)


def _quantised(x: Any, bits: int) -> Tuple[Any, Any, Any]:
    zero, levels = x.min(), np.float32(2**bits - 1)
    scale = (x.max() - zero) / levels
    scale = scale if scale > 0 else np.float32(1)
    return np.clip(np.rint((x - zero) / scale), 0, levels).reshape(-1), scale, zero


def _tight(q: Any, bits: int) -> bytes:
    if bits in (8, 16):
        return bytes(q.astype("<u2" if bits == 16 else "u1").tobytes())
    planes = (q.astype(np.uint8)[:, None] >> np.arange(bits - 1, -1, -1).astype(np.uint8)) & 1
    return bytes(np.packbits(planes.reshape(-1)).tobytes())


def unpack(data: bytes, shape: Tuple[int, ...]) -> Any:
    """What the server makes of it: float32 of that shape."""
    _, bits, count, scale, zero = _HEADER.unpack_from(data)
    octets = np.frombuffer(data, np.uint8, offset=_HEADER.size)
    if bits == 32:
        return octets.view("<f4").astype(np.float32).reshape(shape)
    if bits in (8, 16):
        q = octets.view("<u2" if bits == 16 else "u1").astype(np.float32)
    else:
        planes = np.unpackbits(octets)[: count * bits].reshape(count, bits)
        q = (planes @ (1 << np.arange(bits - 1, -1, -1))).astype(np.float32)
    return (q * np.float32(scale) + np.float32(zero)).reshape(shape)


class Task:
    """One thing that is timed after a network has run: `prepare` makes its input freshly, `work` is timed."""

    def __init__(self, label: Line, prepare: Callable[[], Any], work: Callable[[Any], Any], size: int = 0) -> None:
        self.label, self.prepare, self.work, self.size = label, prepare, work, size
        self.name = " ".join(f"{key}={label[key]}" for key in sorted(label))


def codec_tasks(codec: Line, seed: int = 0) -> List[Task]:
    """Packing and unpacking of every size and width asked for; image files and zstd where the packages are there."""
    draw = np.random.RandomState(seed)
    tasks = []  # type: List[Task]
    for elements in codec["elements"]:
        # What bottlenecks give: a bell curve.
        x = draw.standard_normal(elements).astype(np.float32)
        for bits in codec["bits"]:
            tasks += _tensor_tasks(x, bits)
        tasks += _zstd_tasks(x)
    for side in codec["sides"]:
        for quality in codec["qualities"]:
            tasks += image_tasks(photograph(side, seed), quality)
    return tasks


def _tensor_tasks(x: Any, bits: int) -> List[Task]:
    data, label = pack(x, bits), {"elements": x.size, "bits": bits}

    def work(value: Any) -> bytes:
        return pack(value, bits)

    def back(value: bytes) -> Any:
        return unpack(value, x.shape)

    # Copied before each use: an encoder has just written the tensor, a network the bytes.
    return [
        Task(dict(label, op="pack"), x.copy, work, len(data)),
        Task(dict(label, op="unpack"), lambda: bytes(bytearray(data)), back, len(data)),
    ]


def _zstd_tasks(x: Any) -> List[Task]:
    library = _optional("zstandard")
    if library is None:
        return []

    def work(value: Any, bits: int) -> bytes:
        """As `splitsearch` does it: both forms are made, and the shorter one goes."""
        q, scale, zero = _quantised(value, bits)
        coded, tight = library.ZstdCompressor(level=9).compress(q.astype("u1").tobytes()), _tight(q, bits)
        kind, body = (bits | 128, coded) if len(coded) < len(tight) else (bits, tight)
        return _HEADER.pack(1, kind, q.size, scale, zero) + bytes(body)

    def back(data: bytes) -> Any:
        _, kind, count, scale, zero = _HEADER.unpack_from(data)
        if not kind & 128:
            return unpack(data, x.shape)
        octets = library.ZstdDecompressor().decompress(data[_HEADER.size :], max_output_size=count)
        return (np.frombuffer(octets, np.uint8).astype(np.float32) * np.float32(scale) + np.float32(zero)).reshape(
            x.shape
        )

    found = []  # type: List[Task]
    for bits in (4, 8):
        found += _coded_tasks(x, bits, work, back)
    return found


def _coded_tasks(x: Any, bits: int, work: Callable[[Any, int], bytes], back: Callable[[bytes], Any]) -> List[Task]:
    data, label = work(x, bits), {"elements": x.size, "bits": bits}
    return [
        Task(dict(label, op="zstd"), x.copy, lambda value: work(value, bits), len(data)),
        Task(dict(label, op="unzstd"), lambda: bytes(bytearray(data)), back, len(data)),
    ]


def _optional(name: str) -> Any:
    """A package that is used where it is there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def photograph(side: int, seed: int = 0) -> Any:
    """A made-up image as busy as a photograph: coarse shapes carry most of its power, the finest grain the least."""
    draw, image = np.random.RandomState(seed), np.zeros((side, side, 3))
    cell = side
    while cell >= 1:
        coarse = draw.standard_normal((-(-side // cell) + 1, -(-side // cell) + 1, 3))
        at = np.arange(side) / float(cell)
        low = at.astype(int)
        share = at - low
        rows = coarse[low] * (1 - share)[:, None, None] + coarse[low + 1] * share[:, None, None]
        image += (rows[:, low] * (1 - share)[:, None] + rows[:, low + 1] * share[:, None]) * np.sqrt(cell)
        cell //= 2
    image = (image - image.min()) / (image.max() - image.min())
    return (255 * image).astype(np.uint8)


def image_tasks(pixels: Any, quality: int) -> List[Task]:
    """JPEG and WebP at one quality; what this Pillow was built without is left out, and all without Pillow."""
    library = _optional("PIL.Image")
    kinds = ("JPEG", "WEBP") if library is not None else ()
    found = []  # type: List[Task]
    for kind in kinds:
        try:
            found += _file_tasks(library, pixels, kind, quality)
        except (KeyError, OSError):
            continue
    return found


def _file_tasks(library: Any, pixels: Any, kind: str, quality: int) -> List[Task]:
    label = {"elements": pixels.shape[0] * pixels.shape[1], "quality": quality}

    def encode(image: Any) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, quality=quality)
        return buffer.getvalue()

    def decode(data: bytes) -> Any:
        return np.asarray(library.open(io.BytesIO(data)).convert("RGB"))

    data = encode(library.fromarray(pixels))
    return [
        Task(dict(label, op=kind.lower() + "_encode"), lambda: library.fromarray(pixels), encode, len(data)),
        Task(dict(label, op=kind.lower() + "_decode"), lambda: bytes(bytearray(data)), decode, len(data)),
    ]


class Echo:
    """Another process at the other end of a TCP connection on this machine, that answers every message with 4 bytes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--echo"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        self._socket = socket.create_connection(("127.0.0.1", int(self._process.stdout.readline())), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, data: bytes) -> bytes:
        """Sends one message and waits for the answer."""
        self._socket.sendall(struct.pack("<I", len(data)) + data)
        return _receive(self._socket, 4)

    def close(self) -> None:
        """Hangs up, which ends the other process."""
        self._socket.close()
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def _receive(connection: socket.socket, count: int) -> bytes:
    parts, missing = [], count
    while missing:
        part = connection.recv(min(missing, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _serve() -> None:
    """The other end: one connection, until it hangs up."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        print(listener.getsockname()[1], flush=True)
        connection = listener.accept()[0]
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                header = _receive(connection, 4)
                if not header:
                    return
                _receive(connection, struct.unpack("<I", header)[0])
                connection.sendall(b"done")


def message_tasks(echo: Echo) -> List[Task]:
    """A message of a bottleneck's usual size; both ends have slept or computed meanwhile, as in service."""
    return [Task({"op": "message", "elements": 4096}, lambda: os.urandom(4096), echo.exchange, 4096)]


def measure_tasks(
    tasks: List[Task],
    network: Session,
    log: Log,
    limits: Tuple[float, int],
    seed: int = 0,
    say: Optional[Say] = None,
) -> None:
    """Times every task after a run of the network, in shuffled rounds, within so many seconds or rounds."""
    spent, number = 0.0, 0
    while number < limits[1] and (number < 4 or spent < limits[0] or number % 2):
        since = time.perf_counter()
        order = list(tasks)
        random.Random(f"tasks {seed} {number}").shuffle(order)
        for done, task in enumerate(order):
            if say and done % 8 == 0:
                say(f"codec, round {number + 1}", done, len(order))
            if log.has("task", task.name, number):
                continue
            value = task.prepare()
            network.run()
            cpu, wall = cpu_seconds(), time.perf_counter()
            task.work(value)
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
            own = None if task.label["op"] == "message" else cpu * 1e3
            log.add(what="task", item=task.name, round=number, label=task.label, bytes=task.size,
                    samples=[[wall * 1e3, own]])  # fmt: skip
        spent += time.perf_counter() - since
        number += 1
    if say:
        say("codec", len(tasks), len(tasks))


def measure_power(meter: Any, network: Session, log: Log, seconds: float = 4.0) -> None:
    """Idle watts before, active watts while one network runs without a pause."""
    if log.has("power"):
        return
    meter.start()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        time.sleep(0.05)
        meter.sample()
    idle = meter.stop()
    meter.start()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        network.run()
        meter.sample()
    log.add(what="power", sensor=meter.sensor, rails=meter.rails, idle_w=idle, active_w=meter.stop())


# ---------------------------------------------------------------------------------------------------------------------
# The command.


def read_jobs(path: str) -> Tuple[str, Line]:
    """The folder and the content of jobs.json, by its own path or that of its folder."""
    file = os.path.join(path, "jobs.json") if os.path.isdir(path) else path
    text = _text(file)
    if text is None:
        raise Refusal(f"there is no {file}: `splitsearch device jobs` writes it")
    try:
        jobs = json.loads(text)
    except ValueError:
        raise Refusal(f"{file} is no JSON") from None
    if not isinstance(jobs, dict) or jobs.get("schema") != 1:
        raise Refusal(f"{file} has another schema than 1: use the agent of the splitsearch that wrote it")
    return os.path.dirname(os.path.abspath(file)), jobs


def work(
    jobs: Line,
    runtime: Runtime,
    log: Log,
    settings: Line,
    say: Optional[Say] = None,
    tasks: Optional[List[Task]] = None,
) -> None:
    """Does everything that the jobs ask for, and writes it down.

    Args:
        jobs: content of jobs.json.
        runtime: loads its networks.
        log: the record, beside which kernel profiles are written.
        settings: `preset`, `seed`, and `watts` where the user states the power.
        say: hears the progress.
        tasks: packing, in place of this file's own.
    """
    begin(jobs, runtime, log, settings)
    preset, seed = settings["preset"], settings["seed"]
    meter = find_power()[0] if settings.get("watts") is None else None
    network = runtime.load(jobs["items"][jobs["codec"]["network"]])
    network.run()
    if meter is not None:
        measure_power(meter, network, log)
    measure(jobs["items"], runtime, log, preset, seed, say)
    measure_profiles(jobs["items"], runtime, log, os.path.dirname(log.path), say)
    echo = Echo()
    try:
        limits = (PRESETS[preset]["seconds"] / 5, int(PRESETS[preset]["most"]))
        packing = codec_tasks(jobs["codec"], seed) if tasks is None else tasks
        measure_tasks(packing + message_tasks(echo), network, log, limits, seed, say)
    finally:
        echo.close()
    log.add(what="end", readings=readings())


def begin(jobs: Line, runtime: Runtime, log: Log, settings: Line) -> None:
    """Writes down what runs on what; refuses to mix samples of another measurement into this one."""
    told = {"jobs": jobs["id"], "runtime": runtime.describe(), "preset": settings["preset"], "seed": settings["seed"]}
    for line in log.lines:
        if line["what"] == "start" and any(line[key] != told[key] for key in told):
            wrong = next(key for key in sorted(told) if line[key] != told[key])
            raise Refusal(f"{log.path} was begun with other {wrong}: name another folder with -o")
    computer = machine()
    computer["accelerator"] = runtime.accelerator
    log.add(what="start", readings=readings(), machine=computer, watts=settings.get("watts"), agent=VERSION,
            created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **told)  # fmt: skip


def _progress(what: str, done: int, total: int) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    if end == "\r" or done == total or done % max(1, total // 4) == 0:
        sys.stderr.write(f"{what:<24} {done:>4}/{total:<4}{end}")
        sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("jobs", help="the folder that `splitsearch device jobs` wrote, or its jobs.json")
    parser.add_argument("-o", "--samples", help="folder for the samples [jobs/samples]")
    parser.add_argument("--runtime", choices=("onnxruntime", "tensorrt"), default="onnxruntime")
    parser.add_argument("--provider", default="CPUExecutionProvider", help="of ONNX Runtime")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    parser.add_argument("--quick", action="store_true", help="less than a minute of rounds")
    parser.add_argument("--thorough", action="store_true", help="a quarter of an hour of rounds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--watts", type=float, help="what the machine draws while it computes, if it cannot be read")
    return parser


def main(arguments: Optional[Iterable[str]] = None) -> int:
    """Runs the command line; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--echo"]:
        _serve()
        return 0
    options = _parser().parse_args(given)
    try:
        folder, jobs = read_jobs(options.jobs)
        runtime = (
            TensorRt(folder, options.threads, options.dtype)
            if options.runtime == "tensorrt"
            else OnnxRuntime(folder, options.provider, options.threads, options.dtype)
        )  # type: Runtime
        target = options.samples or os.path.join(folder, "samples")
        if not os.path.isdir(target):
            os.makedirs(target)
        preset = "quick" if options.quick else "thorough" if options.thorough else "standard"
        log = Log(os.path.join(target, "samples.jsonl"))
        work(jobs, runtime, log, {"preset": preset, "seed": options.seed, "watts": options.watts}, _progress)
        log.close()
    except Refusal as error:
        sys.stderr.write(f"agent: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nagent: interrupted; the same command goes on from here\n")
        return 130
    sys.stderr.write(f"\ndone: take {target} back and run `splitsearch device measure --jobs ... -o my.json`\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
