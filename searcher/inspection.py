"""Answers about a backbone that need no training: its cuts, and what one candidate costs."""

from typing import Any

from splitsearch.profilers.baselines import local_profile, server_raw_profile
from splitsearch.profilers.device import load_device
from splitsearch.profilers.network import load_network
from splitsearch.profilers.operators import operator_costs
from splitsearch.profilers.profile import Profiler, Target
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError, nearest
from splitsearch.spaces.graph.cuts import CUT_SETS, Cut, find_cut, find_cuts, split_at
from splitsearch.spaces.graph.trace import TracedGraph, trace

__all__ = ["cut_rows", "profile_document"]

_CLASSES = 1000  # of the published networks; a backbone of one's own keeps its own


def cut_rows(backbone: str, image_size: int, which: str) -> list[dict[str, Any]]:
    """One row per legal cut, from the input to the output.

    Raises:
        UserError: no such backbone or set of cuts, or the network cannot be traced at this size.
    """
    found = next((kind for kind in CUT_SETS if kind == which), None)
    if found is None:
        raise UserError(f"unknown set of cuts '{which}'{nearest(which, CUT_SETS)}")
    graph = _graph(backbone, image_size)
    macs = {name: cost.macs for name, cost in operator_costs(graph.module, (3, image_size, image_size)).items()}
    return [_row(graph, cut, macs) for cut in find_cuts(graph, found)]


def _graph(backbone: str, image_size: int) -> TracedGraph:
    if image_size < 1:
        raise UserError(f"--image-size must be at least 1 pixel, not {image_size}")
    own = ".py:" in backbone
    loaded = load_backbone(backbone, classes=_CLASSES, weights="auto" if own else "none")
    return trace(loaded.module, image_size)


def _row(graph: TracedGraph, cut: Cut, macs: dict[str, int]) -> dict[str, Any]:
    head, _ = split_at(graph, cut)
    head_macs = sum(macs.get(node.name, 0) for node in head.graph.nodes)
    return {
        "index": cut.index,
        "name": cut.name,
        "shape": list(cut.shape),
        "bytes_float32": cut.elements * 4,
        "bytes_8bit": payload_bytes(cut.elements, 8),
        "head_macs": head_macs,
        "tail_macs": sum(macs.values()) - head_macs,
        "input_ratio": cut.input_ratio,
    }


def profile_document(config: dict[str, Any], target: tuple[str, str, str]) -> dict[str, Any]:
    """Costs of one candidate and of the baselines whose costs need no images.

    Args:
        config: the fields of a SplitConfig; `cut` may be None or a module's path.
        target: device profile, server profile, network.

    Raises:
        UserError: an input is wrong, or the candidate cannot exist.
    """
    device, server, network = load_device(target[0]), load_device(target[1]), load_network(target[2])
    graph = _graph(config["backbone"], config["image_size"])
    profiler = Profiler(Target(device=device, server=server, network=network))
    profiles = {}
    if config["cut"] is not None:
        candidate = SplitConfig(**(config | {"cut": find_cut(graph, config["cut"]).name}))
        config = candidate.to_json()
        try:
            profiles["candidate"] = profiler.profile(assemble(candidate, graph)).to_json()
        except InfeasibleError as error:
            raise UserError(str(error)) from error
    profiles["local"] = local_profile(graph, profiler).to_json()
    profiles["server_raw"] = server_raw_profile(graph, profiler).to_json()
    return {
        "config": config,
        "device": device.name,
        "server": server.name,
        "network": network.name,
        "source": profiler.target.source,
        "profiles": profiles,
    }
