"""A real split over TCP against its prediction: does the sum of separately measured parts hold end to end?

    python benchmarks/split_latency.py [--rounds 40] [--work DIR] [--threads 1] [--quick]

resnet50, random weights, ONNX Runtime on the CPU, batch 1, 224 pixels, 8-bit payloads, two processes on one machine. In
each round, for each cut in shuffled order, once each:

- the parts, in a pipeline inside one process: head, quantise and pack, unpack, tail, each with its own time;
- an echo of a message of the payload's size after a pause, to a server that only answers;
- the real split over loopback: a header of JSON with its length before it, then the bytes; the answer is JSON too;
- the same with an emulated link: the device waits bytes / bandwidth before it sends.

Predicted is what `splitsearch` says for the medians of the parts and for a network with what the echoes cost: a line
through their medians gives the round trip and the rate of loopback. Measured are the medians of the real ones. The link
is the same sleep on both sides of the comparison: it tests that the sum is complete, and no forecast of networks.

Needs onnx, onnxscript and onnxruntime beside splitsearch. ONNX files are kept in --work and found again there.
"""

import argparse
import json
import os
import platform
import random
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from splitsearch.profilers.duration import Duration
from splitsearch.profilers.latency import Computing, Latency, Way
from splitsearch.profilers.networks.network import NetworkProfile
from splitsearch.profilers.networks.transfer import Link

CUTS = ("maxpool", "layer1.2.relu_2", "layer2.3.relu_2", "layer3.2.relu_2", "layer3.5.relu_2", "layer4.2.relu_2")
GOALS = {"loopback": 10.0, "link": 5.0}  # percent
LENGTH = struct.Struct("<I")
PAUSE_S = 0.02  # before an echo, so that the server sleeps as it does while a head runs
PARTS = ("head", "pack", "unpack", "tail")
Array = NDArray[Any]


def export(work: Path) -> None:
    """Writes head and tail of every cut as ONNX, unless they are there."""
    import torch

    from splitsearch.spaces.backbones.loading import load_backbone
    from splitsearch.spaces.graph.cuts import find_cut, split_at
    from splitsearch.spaces.graph.trace import trace

    if all((work / f"{cut}.{part}.onnx").is_file() for cut in CUTS for part in ("head", "tail")):
        return
    torch.manual_seed(0)
    graph = trace(load_backbone("resnet50", classes=1000, weights="none").module.eval(), 224)
    for name in CUTS:
        cut = find_cut(graph, name)
        shapes = {"head": (1, 3, 224, 224), "tail": (1, *cut.shape)}
        for part, module in zip(("head", "tail"), split_at(graph, cut), strict=True):
            file = work / f"{name}.{part}.onnx"
            print(f"exporting {file.name}", file=sys.stderr)
            example = (torch.zeros(shapes[part]),)
            torch.onnx.export(module.eval(), example, file, dynamo=True, external_data=False, verbose=False)


class Model:
    """One ONNX file in a session."""

    def __init__(self, file: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def __call__(self, x: Array) -> Array:
        """Runs it on one image."""
        result: Array = self.session.run(None, {self.input: x})[0]
        return result


def pack(x: Array) -> tuple[dict[str, Any], bytes]:
    """Affine 8-bit integers and the header that says their scale."""
    zero = float(x.min())
    scale = (float(x.max()) - zero) / 255 or 1.0
    q = np.rint((x - np.float32(zero)) * np.float32(1 / scale)).astype(np.uint8)
    return {"shape": x.shape, "scale": scale, "zero": zero, "bytes": q.nbytes}, q.tobytes()


def unpack(header: dict[str, Any], data: bytes) -> Array:
    """What the server computes on."""
    q = np.frombuffer(data, dtype=np.uint8).reshape(header["shape"])
    return q.astype(np.float32) * np.float32(header["scale"]) + np.float32(header["zero"])


def send(connection: socket.socket, header: dict[str, Any], data: bytes = b"") -> None:
    """A header with its length before it, then the bytes."""
    text = json.dumps(header).encode()
    connection.sendall(LENGTH.pack(len(text)) + text)
    if data:
        connection.sendall(data)


def receive(connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    """What `send` sent; an empty header if the other end has gone."""
    start = _exactly(connection, LENGTH.size)
    if not start:
        return {}, b""
    header = json.loads(_exactly(connection, LENGTH.unpack(start)[0]))
    return header, _exactly(connection, header.get("bytes", 0))


def _exactly(connection: socket.socket, count: int) -> bytes:
    data, place = bytearray(count), 0
    view = memoryview(data)
    while place < count:
        read = connection.recv_into(view[place:])
        if not read:
            return b""
        place += read
    return bytes(data)


def serve(work: Path, threads: int) -> None:
    """The server: prints its port, answers one device until that goes."""
    tails = {cut: Model(work / f"{cut}.tail.onnx", threads) for cut in CUTS}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            header, data = receive(connection)
            if not header:
                return
            answer = {"class": -1}
            if "cut" in header:
                answer["class"] = int(tails[header["cut"]](unpack(header, data)).argmax())
            send(connection, answer)


class Device:
    """The other process: heads, and tails too for the parts."""

    def __init__(self, work: Path, threads: int, connection: socket.socket, mbps: float) -> None:
        self.heads, self.tails = (
            {cut: Model(work / f"{cut}.{part}.onnx", threads) for cut in CUTS} for part in ("head", "tail")
        )
        self.connection = connection
        self.mbps = mbps
        self.image = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)

    def parts(self, cut: str) -> tuple[dict[str, float], int]:
        """Milliseconds of each part, one after another in this process, and the class found."""
        clock = [time.perf_counter()]
        x = self.heads[cut](self.image)
        clock.append(time.perf_counter())
        header, data = pack(x)
        clock.append(time.perf_counter())
        y = unpack(header, data)
        clock.append(time.perf_counter())
        found = int(self.tails[cut](y).argmax())
        clock.append(time.perf_counter())
        return {part: 1e3 * (b - a) for part, a, b in zip(PARTS, clock, clock[1:], strict=False)}, found

    def echo(self, count: int) -> float:
        """Milliseconds of a message of so many bytes and its answer."""
        data = bytes(count)
        time.sleep(PAUSE_S)
        start = time.perf_counter()
        send(self.connection, {"bytes": count, "shape": [1, count], "scale": 0.1, "zero": 0.1}, data)
        receive(self.connection)
        return 1e3 * (time.perf_counter() - start)

    def whole(self, cut: str, *, link: bool) -> tuple[float, int, int]:
        """Milliseconds from image to answer, the class, and the bytes sent."""
        start = time.perf_counter()
        header, data = pack(self.heads[cut](self.image))
        if link:
            time.sleep(8 * len(data) / (self.mbps * 1e6))
        send(self.connection, header | {"cut": cut}, data)
        answer, _ = receive(self.connection)
        return 1e3 * (time.perf_counter() - start), answer["class"], len(data)


def measure(device: Device, cuts: list[str], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Interleaved and shuffled rounds; the first one warms up and is thrown away."""
    samples: dict[str, dict[str, list[float]]] = {cut: {} for cut in cuts}
    order = random.Random(0)
    for number in range(rounds + 1):
        for cut in order.sample(cuts, len(cuts)):
            values, expected = device.parts(cut)
            loopback, here, count = device.whole(cut, link=False)
            linked, there, _ = device.whole(cut, link=True)
            assert here == there == expected, f"{cut}: the split finds class {here}, the whole {expected}"
            values |= {"echo": device.echo(count), "loopback": loopback, "link": linked, "bytes": count}
            if number:
                for name, value in values.items():
                    samples[cut].setdefault(name, []).append(value)
        print(f"round {number} of {rounds}", end="\r", file=sys.stderr)
    return samples


def predict(medians: dict[str, dict[str, float]], mbps: float) -> dict[str, dict[str, float]]:
    """What splitsearch says for the parts and for a network with what the echoes cost."""
    sizes = np.array([found["bytes"] for found in medians.values()])
    slope, trip = np.polyfit(sizes, [found["echo"] for found in medians.values()], 1)  # ms a byte, ms
    slope, trip = max(float(slope), 1e-9), max(float(trip), 1e-6)
    print(f"\nA message over loopback takes {trip:.3f} ms and {1e6 * slope:.3f} ms a megabyte.", end=" ")
    predicted = {}
    for cut, found in medians.items():
        head, packing, unpacking, tail = (Duration(ms=found[part], source="measured") for part in PARTS)
        computing = Computing(
            head=Duration.total((head, packing)),
            encode=packing,
            tail=Duration.total((tail, unpacking)),
            decode=unpacking,
        )
        for way, ms_a_byte in (("loopback", slope), ("link", slope + 8 / (mbps * 1e3))):
            network = _network(8 / ms_a_byte / 1e3, trip)
            transfer = Link(network).transfer(found["bytes"])
            latency = Latency.of(computing, Way(transfer=transfer, server_load=0.0, varies=False, source="measured"))
            predicted.setdefault(cut, {})[way] = latency.total_ms
    return predicted


def _network(uplink_mbps: float, rtt_ms: float) -> NetworkProfile:
    data: dict[str, Any] = {"schema": 1, "name": "loopback", "description": "echoes", "source": "measured"}
    return NetworkProfile.model_validate(data | {"uplink_mbps": uplink_mbps, "rtt_ms": rtt_ms, "overhead_bytes": 0})


def report(samples: dict[str, dict[str, list[float]]], options: argparse.Namespace) -> None:
    """The markdown table, and how far the worst cut is from the goal."""
    medians = {
        cut: {name: statistics.median(values) for name, values in found.items()} for cut, found in samples.items()
    }
    predicted = predict(medians, options.mbps)
    print(f"{len(samples)} cuts, medians of {options.rounds} rounds.\n")
    heads = ("cut", "payload kB", *PARTS, "loopback pred / real ms", "error", f"{options.mbps:g} Mbit/s pred / real ms")
    print(f"| {' | '.join((*heads, 'error'))} |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    errors: dict[str, list[float]] = {"loopback": [], "link": []}
    for cut, found in medians.items():
        cells = [cut, f"{found['bytes'] / 1e3:.0f}", *(f"{found[part]:.2f}" for part in PARTS)]
        for way, row in errors.items():
            error = 100 * (predicted[cut][way] / found[way] - 1)
            row.append(error)
            cells += [f"{predicted[cut][way]:.1f} / {found[way]:.1f}", f"{error:+.1f} %"]
        print(f"| {' | '.join(cells)} |")
    for way, goal in GOALS.items():
        worst = max(errors[way], key=abs)
        within = sum(abs(error) <= goal for error in errors[way])
        print(
            f"\n{way}: worst {worst:+.1f} %, {within} of {len(errors[way])} cuts within the goal of {goal:g} %", end=""
        )
    packages = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "numpy", "torch", "splitsearch"))
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(
        f"\n\n{processor()}, {os.cpu_count()} logical cores; {options.threads} thread a process; load averages at the "
        f"end {load}; {platform.system()} {platform.machine()}, Python {platform.python_version()}, {packages}."
    )


def processor() -> str:
    """Model of the CPU, where Linux tells it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def main() -> None:
    """Exports, starts the server, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--mbps", type=float, default=20.0, help="of the emulated link")
    parser.add_argument("--work", type=Path, help="folder of the ONNX files; default: one that is thrown away")
    parser.add_argument("--quick", action="store_true", help="5 rounds of the first, third and last cut")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.work, options.threads)
        return
    options.rounds = 5 if options.quick else options.rounds
    with tempfile.TemporaryDirectory() as thrown_away:
        options.work = options.work or Path(thrown_away)
        options.work.mkdir(parents=True, exist_ok=True)
        export(options.work)
        command = [sys.executable, __file__, "--serve", "--work", str(options.work), "--threads", str(options.threads)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            with socket.create_connection(("127.0.0.1", int(server.stdout.readline()))) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                device = Device(options.work, options.threads, connection, options.mbps)
                cuts = [CUTS[k] for k in (0, 2, 5)] if options.quick else list(CUTS)
                samples = measure(device, cuts, options.rounds)
        report(samples, options)


if __name__ == "__main__":
    main()
