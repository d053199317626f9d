"""How well times of new candidates are predicted from a measured profile, beside three simpler ways and the machine.

    python benchmarks/predict_latency.py [--backbone resnet50] [--backbone mobilenet_v3_large]
        [--runtime onnxruntime] [--candidates 50] [--quick] [--out runs/predict_latency]

Measures a profile of each backbone in each runtime, then candidates that it has not seen (random encoders, bottlenecks,
pruned, divided and shrunk parts; both sides of each), ten at a time, and all heads and tails again in a later process,
and prints a table. Everything measured lies in `--out`; a second start goes on where the first ended, and a finished
one only predicts again. One thread.

    fitted      what `splitsearch` predicts: tables, fused kernels, anchors
    isolated    every distinct kernel measured alone, at the profile's pace, and summed
    roofline    three figures fitted to the same profile
    MACs        the whole network's time in proportion to multiply-adds
    halves      the even rounds against the odd ones: what no prediction can beat
"""

import argparse
import json
import math
import platform
import statistics
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from splitsearch.profilers.counting.operators import total
from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.profilers.devices.device import DeviceProfile, load_device
from splitsearch.profilers.measure.check import kendall_tau
from splitsearch.profilers.measure.here import Effort, Request, measure_here
from splitsearch.profilers.measure.jobs import write_onnx
from splitsearch.profilers.measure.pace import comparable, yardstick
from splitsearch.profilers.measure.recheck import check_here, options_of
from splitsearch.profilers.measure.runtimes import RuntimeOptions, make_runtime, needs_onnx
from splitsearch.profilers.predict.fitted import FittedTimes
from splitsearch.profilers.predict.fuse import joined
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.profilers.predict.roofline import Roofline
from splitsearch.profilers.predict.sequels import Sequels
from splitsearch.profilers.timing import Stopwatch, processor_ns
from splitsearch.spaces.assemble import assemble, whole_on_device
from splitsearch.spaces.backbones.loading import fresh_module
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import Stage
from splitsearch.spaces.variants.variants import Variants, on_meta

BATCH = 10
ALL = 1000  # cuts, more than there are
LONG_MS = 2.0
WAYS = ("fitted", "isolated", "roofline", "MACs")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One backbone in one runtime, and where its measurements lie."""

    backbone: str
    runtime: str
    out: Path
    preset: str

    def file(self, name: str) -> Path:
        """Where something of it lies."""
        return self.out / f"{self.backbone}-{self.runtime}-{name}.json"


def main() -> None:
    """Measures what is not measured yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", action="append")
    parser.add_argument("--runtime", action="append", choices=("onnxruntime", "eager"))
    parser.add_argument("--candidates", type=int, default=50, help="of each backbone in each runtime; both sides count")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, figures of little worth")
    parser.add_argument("--out", type=Path, default=Path("runs/predict_latency"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    preset, count = ("quick", min(chosen.candidates, BATCH)) if chosen.quick else ("standard", chosen.candidates)
    watch = Stopwatch()
    found = []
    for backbone in chosen.backbone or ["resnet50", "mobilenet_v3_large"]:
        for runtime in chosen.runtime or ["onnxruntime"]:
            case = Case(backbone=backbone, runtime=runtime, out=chosen.out, preset=preset)
            device = profile(case)
            measured = [row for place in range(-(-count // BATCH)) for row in rows(case, device, place)]
            measured += table(case)
            found.append((case, device, predicted(case, device, measured)))
            print(f"{backbone} {runtime}: {watch.seconds:.0f} s", flush=True)
    print("\n".join(report(found)))


def profile(case: Case) -> DeviceProfile:
    """The profile, measured if it is not there."""
    path = case.file("profile")
    if not path.is_file():
        request = Request(backbones=(case.backbone,), effort=Effort(preset=case.preset))
        device = measure_here(request, RuntimeOptions(name=case.runtime), path, show(case), resume=True)
        write(path, device.to_json())
    return load_device(str(path))


def rows(case: Case, device: DeviceProfile, place: int) -> list[dict[str, Any]]:
    """Ten candidates, measured if they are not there: one row for each side, and some of the table again."""
    path = case.file(f"batch{place}")
    if not path.is_file():
        effort = Effort(preset="quick", seed=1000 + place)
        checked, parts, _ = check_here(device, (case.backbone,), (BATCH, 3), effort, show(case))
        configs = {part.name: part.config for part in parts}
        write(path, [row.to_json() | {"config": configs.get(row.name)} for row in checked])
    return list(json.loads(path.read_text(encoding="utf-8")))


def table(case: Case) -> list[dict[str, Any]]:
    """Every head and tail of the table again, in a process of their own, if they are not there."""
    path = case.file("table")
    if not path.is_file():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as later:
            later.submit(measure_table, case, path).result()
    return list(json.loads(path.read_text(encoding="utf-8")))


def measure_table(case: Case, path: Path) -> None:
    """Writes what every head and tail takes now."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    effort = Effort(preset=case.preset, seed=999)
    checked, _, _ = check_here(profile(case), (case.backbone,), (0, ALL), effort, show(case))
    write(path, [row.to_json() | {"config": None} for row in checked])


def show(case: Case) -> Callable[[str, int, int], None]:
    """Prints what is done."""

    def progress(what: str, done: int, of: int) -> None:
        if done == of:
            print(f"  {case.backbone} {case.runtime}: {what} {done}", flush=True)

    return progress


def write(path: Path, document: Any) -> None:
    """Atomically: a file that is there is whole."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(json.dumps(document, indent=1), encoding="utf-8")
    beside.replace(path)


def predicted(case: Case, device: DeviceProfile, measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with every way's milliseconds."""
    assert device.measured is not None
    variants = Variants.trace(case.backbone, on_meta(fresh_module(case.backbone)), 224)
    tables = OperatorTables()
    fitted, roofline, alone = FittedTimes(device, tables), Roofline(device, tables), Alone(case, device)
    whole = total(tables.of(whole_on_device(variants.graph).stages[0]).values()).macs
    per_mac = device.measured.backbones[0].whole.p50 / whole
    done = []
    for row in measured:
        if row["config"] is None:
            done.append(row | {"ways": {"fitted": row["predicted_ms"]}})
            continue
        model = assemble(SplitConfig.from_json(row["config"]), variants)
        stages = tuple(stage for stage in model.at(row["site"]) if stage.name != "resize")
        answer = fitted.chain(stages)
        macs = sum(total(tables.of(stage).values()).macs for stage in stages)
        ways = {
            "fitted": answer.ms,
            "isolated": alone.ms(stages),
            "roofline": roofline.chain(stages).ms,
            "MACs": per_mac * macs,
        }
        done.append(row | {"ways": ways, "deviation_ms": answer.deviation_ms, "in_range": answer.in_range})
    alone.save()
    return done


class Alone:
    """Kernels measured one at a time, each in a network of its own; remembered in a file."""

    def __init__(self, case: Case, device: DeviceProfile) -> None:
        self._path, self._runtime = case.file("isolated"), case.runtime
        self._pace = Now(device)
        self._known: dict[str, float] = json.loads(self._path.read_text()) if self._path.is_file() else {}
        self._sequels = Sequels(case.runtime)

    def ms(self, stages: Sequence[Stage]) -> float:
        """The sum over the kernels of stages, each stage by itself; reorders belong to the kernels that need them."""
        kernels = joined([replace(self._sequels.of(stage), entry=None, leave=None) for stage in stages])
        return math.fsum(self._one(kernel) for kernel in kernels if kernel.fused != ("reorder",))

    def save(self) -> None:
        """Writes what is known."""
        write(self._path, self._known)

    def _one(self, kernel: Kernel) -> float:
        key = json.dumps(asdict(kernel), sort_keys=True)
        if key not in self._known:
            run = (eager_alone if self._runtime == "eager" else onnx_alone)(kernel)
            self._known[key] = 0.0 if run is None else median_ms(run) / self._pace.slower()
        return self._known[key]


class Now:
    """How much slower than in the profile the machine is at this moment."""

    def __init__(self, device: DeviceProfile) -> None:
        assert device.measured is not None
        options = options_of(device.measured)
        runtime = device.measured.runtime.name
        self._then, item = comparable(device.measured.pace, runtime), yardstick(runtime)
        with tempfile.TemporaryDirectory() as name:
            if needs_onnx(options.name):
                write_onnx(Path(name), [item])
            runtime = make_runtime(options, Path(name), {item.name: item})
            self._session = runtime.load({"name": item.name, "model": "000.onnx"})
        self._told: deque[float] = deque(maxlen=11)

    def slower(self) -> float:
        """1 where the profile tells no pace."""
        if self._then is None:
            return 1.0
        # As the agent does it: the better of two runs on the caches of another network, and the median of those around.
        self._told.append(min(self._session.timed()[1] or 0.0 for _ in range(2)))
        return statistics.median(self._told) / self._then.p50_ms


def median_ms(run: Callable[[], Any]) -> float:
    """Of the thread's own time, over at least 5 runs and 20 ms."""
    samples: list[int] = []
    run()
    while len(samples) < 5 or (sum(samples) < 2e7 and len(samples) < 50):
        start = processor_ns()
        run()
        samples.append(processor_ns() - start)
    return statistics.median(samples) / 1e6


def data(shape: Sequence[int]) -> Any:
    """Random float32."""
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def shapes_of(kernel: Kernel) -> tuple[list[int], list[int]]:
    """Of its input and output, one image."""
    return [1, kernel.in_channels, *kernel.in_size], [1, kernel.out_channels, *kernel.out_size]


def eager_alone(kernel: Kernel) -> Callable[[], Any] | None:
    """One operator; None for the few that are not made here."""
    before, after = shapes_of(kernel)
    x = torch.from_numpy(data(before if kernel.kind != "linear" else (1, kernel.in_channels)))
    name = kernel.fused[0] if kernel.fused else ""
    makers: dict[str, Callable[[], nn.Module]] = {
        "convolution": lambda: nn.Conv2d(
            kernel.in_channels, kernel.out_channels, kernel.window, kernel.stride,
            tuple(side // 2 for side in kernel.window), groups=kernel.groups, bias=False,
        ),
        "linear": lambda: nn.Linear(kernel.in_channels, kernel.out_channels),
        "norm": lambda: nn.BatchNorm2d(kernel.in_channels),
        "pool": lambda: nn.AdaptiveAvgPool2d(kernel.out_size),
    }  # fmt: skip
    pointwise = {"relu": nn.ReLU(inplace=True), "hardswish": nn.Hardswish(), "silu": nn.SiLU(), "sigmoid": nn.Sigmoid(),
                 "hardsigmoid": nn.Hardsigmoid(), "tanh": nn.Tanh(), "relu6": nn.ReLU6()}  # fmt: skip
    if name in ("add", "mul"):
        y = torch.from_numpy(data(after))
        return lambda: x + y if name == "add" else x * y
    if name == "maxpool2d":
        module: nn.Module = nn.MaxPool2d(kernel.window, kernel.stride, kernel.window[0] // 2)
    elif kernel.kind in makers and len(after) == 4:
        module = makers[kernel.kind]()
    elif name in pointwise:
        module = pointwise[name]
    else:
        return None
    module.eval()

    def run() -> Any:
        with torch.inference_mode():
            return module(x)

    return run


class Chain:
    """An ONNX graph that grows by one node after the other."""

    def __init__(self, shape: list[int]) -> None:
        self.inputs: dict[str, list[int]] = {"x": shape}
        self.weights: dict[str, Any] = {}
        self.nodes: list[Any] = []
        self.at = "x"

    def add(self, op: str, *more: str, **attributes: Any) -> None:
        """A node that reads the last one's result."""
        from onnx.helper import make_node

        result = f"y{len(self.nodes)}"
        self.nodes.append(make_node(op, [self.at, *more], [result], **attributes))
        self.at = result

    def second(self, op: str, shape: list[int]) -> None:
        """A node that reads a second tensor from outside."""
        self.inputs["z"] = shape
        self.add(op, "z")

    def run(self) -> Callable[[], Any]:
        """A session on one thread."""
        import onnxruntime
        from onnx import helper, numpy_helper

        graph = helper.make_graph(
            self.nodes, "alone", [helper.make_tensor_value_info(name, 1, shape) for name, shape in self.inputs.items()],
            [helper.make_tensor_value_info(self.at, 1, None)],
            [numpy_helper.from_array(value, name) for name, value in self.weights.items()],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        feed = {name: data(shape) for name, shape in self.inputs.items()}
        return lambda: session.run(None, feed)


def onnx_alone(kernel: Kernel) -> Callable[[], Any] | None:
    """One fused kernel as a model of its own, which ONNX Runtime fuses again; None for the few not made here."""
    before, after = shapes_of(kernel)
    chain = Chain([1, kernel.in_channels] if kernel.kind == "linear" else before)
    if kernel.kind == "convolution":
        convolution(chain, kernel)
    elif kernel.kind == "linear":
        chain.weights["w"] = data((kernel.in_channels, kernel.out_channels))
        chain.add("Gemm", "w")
    elif kernel.fused == ("maxpool2d",):
        chain.add("MaxPool", kernel_shape=list(kernel.window), strides=[kernel.stride] * 2, auto_pad="SAME_UPPER")
    elif kernel.kind == "pool":
        chain.add("GlobalAveragePool")
    elif kernel.fused[:1] in (("add",), ("mul",)):
        chain.second(kernel.fused[0].title(), after)
    for name in kernel.fused:
        follow(chain, kernel, name)
    return chain.run() if chain.nodes else None


def convolution(chain: Chain, kernel: Kernel) -> None:
    """With as much padding as makes the output."""
    chain.weights["w"] = data((kernel.out_channels, kernel.in_channels // kernel.groups, *kernel.window))
    pads = [
        max(0, (out - 1) * kernel.stride + side - entering)
        for out, side, entering in zip(kernel.out_size, kernel.window, kernel.in_size, strict=True)
    ]
    around = [pad // 2 for pad in pads] + [pad - pad // 2 for pad in pads]
    chain.add("Conv", "w", group=kernel.groups, strides=[kernel.stride] * 2, pads=around)


def follow(chain: Chain, kernel: Kernel, name: str) -> None:
    """What the launch also does."""
    if name == "add" and kernel.kind == "convolution":
        chain.second("Add", shapes_of(kernel)[1])
    elif name in ACTIVATIONS:
        chain.add(ACTIVATIONS[name])
    elif name == "silu":
        gate = chain.at
        chain.add("Sigmoid")
        chain.add("Mul", gate)


ACTIVATIONS = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "hardswish": "HardSwish", "hardsigmoid": "HardSigmoid"
}  # fmt: skip


def report(found: Sequence[tuple[Case, DeviceProfile, list[dict[str, Any]]]]) -> Iterator[str]:
    """The markdown: what it was measured on, then a line for each way."""
    measured = found[0][1].measured
    assert measured is not None
    machine, runtimes = measured.machine, [device.measured.runtime for _, device, _ in found if device.measured]
    versions = ", ".join(sorted({f"{runtime.name} {runtime.version}" for runtime in runtimes}))
    yield f"\n{machine.cpu}, {machine.cores} cores, {machine.os}, 1 thread; Python {platform.python_version()},"
    yield f"{versions}.\n"
    yield "| backbone | runtime | networks | way | MAPE % | within 5 % | within 10 % | worst % | tau |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for case, device, everything in found:
        assert device.measured is not None
        yield from lines(f"| {case.backbone} | {case.runtime} |", everything)
        if not device.measured.environment.ok:
            reasons = "; ".join(device.measured.environment.reasons)
            yield f"| {case.backbone} | {case.runtime} | | doubtful: {reasons} | | | | |"
    if len(found) > 1:
        yield from lines("| all | all |", [row for _, _, everything in found for row in everything])


def lines(name: str, everything: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Of one backbone in one runtime."""
    table = [row for row in everything if row["config"] is None]
    long = [row for row in everything if row["config"] is not None and row["measured_ms"] >= LONG_MS]
    heads = [row for row in long if row["site"] == "device"]
    yield f"{name} table again ({len(table)}) | fitted |{scores(table, 'fitted')}"
    as_it_was = [row | {"measured_ms": row.get("observed_ms", row["measured_ms"])} for row in table]
    yield f"{name} table again, pace not taken out ({len(table)}) | fitted |{scores(as_it_was, 'fitted')}"
    for label, group in ((f"new heads of {LONG_MS:g} ms on", heads), (f"new, both sides, {LONG_MS:g} ms on", long)):
        start = f"{name} {label} ({len(group)}) |"
        if not group:
            continue
        for way in WAYS:
            yield f"{start} {way} |{scores(group, way)}"
        yield f"{start} halves | {statistics.fmean(row['halves_percent'] for row in group):.1f} | | | | |"
        yield f"{start} share within 1 and 2 deviations | {coverage(group, 1):.0f}, {coverage(group, 2):.0f} | | | | |"


def scores(group: Sequence[dict[str, Any]], way: str) -> str:
    """MAPE, shares, worst and rank correlation."""
    pairs = [(row["ways"][way], row["measured_ms"]) for row in group]
    errors = [abs(ms / truth - 1) for ms, truth in pairs]
    if not errors:
        return " | | | | |"
    within = [100 * statistics.fmean(error <= limit for error in errors) for limit in (0.05, 0.1)]
    tau = kendall_tau(pairs)
    return (
        f" {100 * statistics.fmean(errors):.1f} | {within[0]:.0f} | {within[1]:.0f} | {100 * max(errors):.0f} | "
        f"{'' if tau is None else f'{tau:.3f}'} |"
    )


def coverage(group: Sequence[dict[str, Any]], deviations: int) -> float:
    """Share of the measured values that lie within so many of the deviations that were foretold, in percent."""
    inside = [abs(row["ways"]["fitted"] - row["measured_ms"]) <= deviations * row["deviation_ms"] for row in group]
    return 100 * statistics.fmean(inside)


if __name__ == "__main__":
    main()
