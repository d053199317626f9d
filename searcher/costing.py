"""What one candidate costs, without training it: answers for `splitsearch profile`."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from splitsearch.profilers.baselines import local_profile, server_raw_profile
from splitsearch.profilers.counting.operators import operator_costs, operators, total
from splitsearch.profilers.devices.trust import ANYTHING, Asked
from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.searcher.macs import uncounted_document
from splitsearch.searcher.sweep import bandwidth_sweep, require_one_rate
from splitsearch.searcher.targets import read_target
from splitsearch.spaces.assemble import assemble, whole_on_device, whole_variant
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.cuts import find_cut, head_nodes
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.presets import find_preset
from splitsearch.spaces.variants.variants import Variants, on_meta

__all__ = ["Wishes", "profile_document"]

_USUAL: dict[str, Any] = {"head": "original", "channels": 12, "bits": 8, "image_size": 224}
_SHAPING = ("division", "depth", "width", "resolution", "head_pruning", "tail_pruning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is to be different about network and server, and what the device profile has to be of.

    Attributes:
        server_load: share of time that the server is busy.
        uplink_mbps: in place of the network's own; None for that.
        rtt_ms: likewise.
        bandwidth_sweep: whether to cost everything at many rates.
        asked: what the device profile has to be of, besides backbone and image size.
    """

    server_load: float = 0.0
    uplink_mbps: float | None = None
    rtt_ms: float | None = None
    bandwidth_sweep: bool = False
    asked: Asked = ANYTHING


def profile_document(
    chosen: Mapping[str, Any],
    target: tuple[str, str, str],
    preset: str | None = None,
    wishes: Wishes = Wishes(),
) -> dict[str, Any]:
    """Costs of one candidate and of the baselines whose costs need no images.

    Args:
        chosen: fields of a SplitConfig; what is None is taken from the preset, or is the usual. Without a cut and with
            a preset or a field that changes the network's shape, the whole changed network is costed on the device.
        target: device profile, server profile, network.
        preset: a published configuration.
        wishes: what is to be different about network and server.

    Raises:
        UserError: an input is wrong, or the candidate cannot exist.
    """
    known = {f.name for f in fields(SplitConfig)}
    own = {name: value for name, value in chosen.items() if value is not None and name in known}
    found = find_preset(preset, own.get("backbone")) if preset is not None else None
    config = _USUAL | (found.fields if found else {}) | own
    if "backbone" not in config:
        raise UserError("--backbone is missing; `splitsearch backbones` lists what ships")
    costed_on = read_target(
        target[:2],
        target[2],
        server_load=wishes.server_load,
        uplink_mbps=wishes.uplink_mbps,
        rtt_ms=wishes.rtt_ms,
        asked=replace(wishes.asked, image_size=config["image_size"], backbone=config["backbone"]),
    )
    if wishes.bandwidth_sweep:
        require_one_rate(costed_on)
    profiler = Profiler(costed_on)
    variants = _variants(config["backbone"], config["image_size"])
    document: dict[str, Any] = {
        "config": config,
        "preset": found.to_json() if found else None,
        "device": costed_on.device.name,
        "server": costed_on.server.name,
        "network": costed_on.network.name,
        "source": costed_on.source,
        "profiles": {},
    }
    try:
        document |= _candidate(config, variants, profiler, named=found is not None)
    except InfeasibleError as error:
        raise UserError(str(error)) from error
    if "uncounted_operators" not in document:
        document |= _uncounted(whole_on_device(variants.graph))
    profiles: dict[str, Profile] = document["profiles"]
    profiles["local"] = local_profile(variants.graph, profiler)
    profiles["server_raw"] = server_raw_profile(variants.graph, profiler)
    if wishes.bandwidth_sweep:
        document["bandwidth_sweep"] = bandwidth_sweep(profiles, costed_on)
    return document | {"profiles": {name: profile.to_json() for name, profile in profiles.items()}}


def _variants(backbone: str, image_size: int) -> Variants:
    if image_size < 1:
        raise UserError(f"--image-size must be at least 1 pixel, not {image_size}")
    module = usual_module(backbone)
    try:
        return Variants.trace(backbone, on_meta(module), image_size)
    except UserError:  # code that asks tensors for their values cannot do without; else the same error comes again
        return Variants.trace(backbone, module, image_size)


def _uncounted(model: SplitModel) -> dict[str, Any]:
    """Operators whose multiply-adds no figure of the document holds."""
    stages = (*model.stages, *((model.exit.stage,) if model.exit else ()))
    return uncounted_document([row for stage in stages for row in operators(stage.module.eval(), stage.input_shape)])


def _candidate(config: dict[str, Any], variants: Variants, profiler: Profiler, *, named: bool) -> dict[str, Any]:
    if config.get("cut") is None:
        shaped = any(config.get(name) not in (None, 0, 0.0, 1, 1.0) for name in _SHAPING)
        return _whole(config, variants, profiler) if shaped or named else {}
    candidate = SplitConfig(**(config | {"cut": find_cut(variants.graph, config["cut"]).name}))
    model = assemble(candidate, variants)
    return {
        "config": candidate.to_json(),
        "profiles": {"candidate": profiler.profile(model)},
        "stages": [asdict(stage) for stage in profiler.stages(model)],
        **_uncounted(model),
        "bottleneck": _bottleneck(candidate, model),
        "backbone_head": _backbone_head(candidate, variants, profiler, model),
    }


def _whole(config: dict[str, Any], variants: Variants, profiler: Profiler) -> dict[str, Any]:
    """A network that is changed and not split, on the device."""
    # A cut is needed to be a configuration, and means nothing here: the logits.
    nowhere = variants.graph.paths[variants.graph.output.name]
    shape = SplitConfig(**(config | {"cut": nowhere, "division_scope": "whole"}))
    if shape.head_pruning or shape.tail_pruning or shape.exit_cut is not None:
        raise UserError("pruning and exits need a head and a tail: name where they meet with --cut")
    model = whole_variant(shape, variants)
    return {
        "profiles": {"candidate": profiler.profile(model)},
        "stages": [asdict(stage) for stage in profiler.stages(model)],
        **_uncounted(model),
        "members": shape.division,
    }


def _bottleneck(candidate: SplitConfig, model: SplitModel) -> dict[str, Any]:
    crossing = model.crossing
    assert crossing is not None
    elements = math.prod(crossing.output_shape)
    return {
        "shape": list(crossing.output_shape),
        "elements": elements,
        # What the papers count: the integers alone, without the header that says their scale.
        "tensor_bytes": math.ceil(elements * candidate.bits / 8),
        "payload_bytes": payload_bytes(elements, candidate.bits),
        "coding": candidate.coding,
    }


def _backbone_head(candidate: SplitConfig, variants: Variants, profiler: Profiler, model: SplitModel) -> dict[str, Any]:
    """The layers that an ordinary split at the same cut would run on the device, and what is saved against them."""
    graph = variants.graph
    table = operator_costs(graph.module, (3, graph.image_size, graph.image_size))
    names = head_nodes(graph, find_cut(graph, candidate.cut))
    sums = total(cost for name, cost in table.items() if name in names)
    device = sum(stage.macs for stage in profiler.stages(model) if stage.site == "device")
    return {
        "macs": sums.macs,
        "parameters": sums.parameters,
        "device_macs_saved": 1 - device / sums.macs if sums.macs else None,
    }
