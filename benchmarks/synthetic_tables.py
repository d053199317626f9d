"""Tables of 11,520 candidates with the shape of split computing, for comparing searches where no training is needed.

    python benchmarks/synthetic_tables.py write table.csv [--objectives 3] [--seed 0]
    python benchmarks/synthetic_tables.py compare --out results.jsonl [--objectives 3] [--networks 2] [--seeds 1]
        [--trials 100] [--samplers known-cost,tpe,gp,nsga2,random]

12 cuts x 10 channels x 4 widths x 4 prunings x 2 bit-widths x 3 exits. Latency, payload and the device's MACs follow
from a network whose maps shrink and whose MACs accumulate along the cuts; accuracy is a smooth function of what is
sent and what is left of the head, plus interactions that no product of the axes explains (standard deviation 0.6
percentage points) and noise of a training (0.15). Every seed draws another network. Nothing of it was measured; how
well a search does here says how well it uses smooth tables, not how well real trainings behave.

`compare` runs `splitsearch simulate` on the table and adds the least number of candidates that reach 90, 95 and 98 %
of the whole table's hypervolume if one knew all of them (greedy). Lines that the file holds already are not run again.
"""

import argparse
import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import pandas as pd
from scipy.stats import qmc

from splitsearch.searcher.engine.simulation.replay import replay
from splitsearch.searcher.engine.simulation.summary import summarise
from splitsearch.searcher.engine.simulation.table import Columns, read_table

AXES: dict[str, tuple[float, ...]] = {
    "cut": tuple(range(12)),
    "channels": (1, 2, 3, 4, 6, 8, 12, 16, 24, 32),
    "width": (0.4, 0.6, 0.8, 1.0),
    "pruning": (0.0, 0.2, 0.4, 0.6),
    "bits": (4, 8),
    "exit": (0, 1, 2),
}
"""Parameter to its values, as in the table."""

COSTS = ("latency_ms", "payload_bytes", "device_macs")
"""Known objectives; a table of 3 objectives has the first two."""


def table(objectives: int, seed: int) -> pd.DataFrame:
    """One row per candidate: the parameters, the known costs, and accuracy in percent.

    Args:
        objectives: 3, or 4 with the device's MACs.
        seed: of the network, the interactions and the noise.
    """
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(list(itertools.product(*AXES.values())), columns=list(AXES))
    costs = _costs(frame, draw)
    for name in COSTS[: objectives - 1]:
        frame[name] = costs[name]
    frame["accuracy"] = _accuracy(frame, draw)
    return frame


def _costs(frame: pd.DataFrame, draw: np.random.Generator) -> dict[str, Any]:
    cut = frame["cut"].to_numpy().astype(int)
    side = np.array([56, 56, 56, 28, 28, 28, 28, 14, 14, 14, 7, 7])[cut]
    share = np.cumsum(draw.uniform(0.6, 1.4, 12))
    share = (share / share[-1] * 0.95)[cut]
    kept = frame["width"].to_numpy() ** 1.5 * (1 - 0.8 * frame["pruning"].to_numpy())
    leaves = np.array([0.0, 0.25, 0.45])[frame["exit"].to_numpy().astype(int)]
    macs = 4e9 * share * kept + 2e6 * side**2 * 0.05 * frame["channels"].to_numpy()
    sent = side**2 * frame["channels"].to_numpy() * frame["bits"].to_numpy() / 8 + 16
    payload = np.ceil(sent * (1 - leaves))
    head_ms = macs / 4e7 + 0.6 * (cut + 1) + 1.5 * (leaves > 0)
    tail_ms = (1 - leaves) * (4e9 * (1 - share)) / 2e9
    latency = head_ms + (1 - leaves) * 12.0 + payload * 8 / 6e3 + tail_ms
    return {"latency_ms": latency, "payload_bytes": payload, "device_macs": np.rint(macs)}


def _accuracy(frame: pd.DataFrame, draw: np.random.Generator) -> Any:
    depth = frame["cut"].to_numpy() / 11
    rich = np.log2(frame["channels"].to_numpy()) / 5 + 0.25 * (frame["bits"].to_numpy() == 8)
    width, pruning = frame["width"].to_numpy(), frame["pruning"].to_numpy()
    exits = np.array([0.0, 0.8, 2.5])[frame["exit"].to_numpy().astype(int)]
    needed = draw.uniform(0.5, 0.9) - draw.uniform(0.2, 0.5) * depth
    squeezed = 22 / (1 + np.exp(9 * (rich - needed))) + 6 * np.exp(-3 * rich)
    narrow = (3 + 9 * depth) * (1 - width) ** 1.5
    thin = (1 + 8 * depth) * pruning**2
    smooth = 76 - squeezed - narrow - thin - exits * (1.4 - depth)
    return np.round(smooth + _interactions(frame, draw) + draw.normal(0, 0.15, len(frame)), 4)


def _interactions(frame: pd.DataFrame, draw: np.random.Generator) -> Any:
    """A sample of a Gaussian process over all axes (random Fourier features; Rahimi and Recht, 2007)."""
    scaled = np.column_stack([frame[name].rank(method="dense") / len(values) for name, values in AXES.items()])
    frequencies = draw.normal(0, 2.0, (scaled.shape[1], 200))
    waves = np.cos(scaled @ frequencies + draw.uniform(0, 2 * np.pi, 200)) @ draw.normal(0, 1, 200)
    return 0.6 * (waves - waves.mean()) / waves.std()


def _greedy(frame: pd.DataFrame, objectives: int) -> dict[str, int]:
    """The least number of candidates to each share of the hypervolume that one finds greedily if all are known."""
    turned = np.column_stack([-frame["accuracy"], *(np.log(frame[name]) for name in COSTS[: objectives - 1])])
    scaled = (turned - turned.min(axis=0)) / np.ptp(turned, axis=0)
    front = scaled[np.asarray(moocore.is_nondominated(scaled))]
    cells = qmc.Sobol(objectives, rng=np.random.default_rng(0)).random(2**14) * 1.1
    covers = np.stack([(front <= cell).all(axis=1) for cell in cells], axis=1)
    whole, held, needed = int(covers.any(axis=0).sum()), np.zeros(len(cells), dtype=bool), {}
    for count in range(len(front) + 1):
        for goal in (90, 95, 98):
            if held.sum() >= goal / 100 * whole:
                needed.setdefault(str(goal), count)
        held |= covers[np.argmax((covers & ~held).sum(axis=1))]
    return needed


def _simulated(frame: pd.DataFrame, objectives: int, sampler: str, chosen: argparse.Namespace) -> dict[str, Any]:
    known = COSTS[: objectives - 1]
    columns = Columns(parameters=tuple(AXES), known=known, unknown=("accuracy",), log=known, nominal=("cut",))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        frame.to_csv(file, index=False)
        read = read_table(file, columns)
        return summarise(read, sampler, replay(read, sampler, chosen.trials, chosen.seeds))


def _compare(chosen: argparse.Namespace) -> None:
    """One line per network and sampler, appended; what is there already is left."""
    lines = chosen.out.read_text(encoding="utf-8").splitlines() if chosen.out.is_file() else []
    done = {tuple(json.loads(line)["what"]) for line in lines}
    for network in range(chosen.networks):
        frame = table(chosen.objectives, network)
        for sampler in ("greedy", *chosen.samplers.split(",")):
            what = (chosen.objectives, network, sampler, chosen.trials, chosen.seeds)
            if what in done:
                continue
            if sampler == "greedy":
                found: dict[str, Any] = {"candidates": _greedy(frame, chosen.objectives)}
            else:
                found = _simulated(frame, chosen.objectives, sampler, chosen)
            with chosen.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"what": what} | found) + "\n")
            ratios = {mark: round(ratio["mean"], 3) for mark, ratio in found.get("hypervolume_ratio", {}).items()}
            needed = found.get("evaluations_to", "")
            print(*what, ratios or found, needed, found.get("seconds_per_suggestion", ""), flush=True)


def main() -> None:
    """Writes a table or compares samplers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    writes, compares = commands.add_parser("write"), commands.add_parser("compare")
    writes.add_argument("file", type=Path)
    writes.add_argument("--seed", type=int, default=0)
    compares.add_argument("--out", type=Path, required=True)
    compares.add_argument("--networks", type=int, default=2)
    compares.add_argument("--seeds", type=int, default=1)
    compares.add_argument("--trials", type=int, default=100)
    compares.add_argument("--samplers", default="known-cost,tpe,gp,nsga2,random")
    for command in (writes, compares):
        command.add_argument("--objectives", type=int, choices=(3, 4), default=3)
    chosen = parser.parse_args()
    if chosen.command == "write":
        table(chosen.objectives, chosen.seed).to_csv(chosen.file, index=False)
    else:
        _compare(chosen)


if __name__ == "__main__":
    main()
