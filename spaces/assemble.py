"""From a configuration to the modules that it means."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import fx, nn

from splitsearch.spaces.bottleneck.decoders import decoder
from splitsearch.spaces.bottleneck.encoders import Encoder, mimic_encoder
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.exits import ExitClassifier
from splitsearch.spaces.graph.cuts import Cut, find_cut, part_at, split_at
from splitsearch.spaces.graph.layout import Shape, channels, is_supported, map_shape
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import Exit, Lanes, Resize, SplitModel, Stage
from splitsearch.spaces.variants.variants import Recipe, Variants

__all__ = ["assemble", "server_only", "whole_on_device", "whole_variant"]

_Splitter = Callable[[TracedGraph, Cut], tuple[fx.GraphModule, fx.GraphModule]]


def assemble(config: SplitConfig, variants: Variants, seed: int = 0) -> SplitModel:
    """Builds one candidate.

    Parts that are the backbone's own share its parameters; pruned and shrunk ones start from them; encoder, decoder,
    exit and the members of a division are new.

    Args:
        config: what to build.
        variants: the backbone; on the meta device the candidate has shapes and no values, which is enough to cost it.
        seed: of the members of a division.

    Raises:
        InfeasibleError: there is no such candidate; the message is the reason.
        UserError: there is no such cut, encoder or decoder.
    """
    cut = find_cut(variants.graph, config.cut)
    _check(config, cut)
    for side in ("head", "tail"):  # before the context, which slows down every call in it
        variants.get(Recipe.of(config, side))
    with torch.device("meta" if variants.is_meta else "cpu"):
        device = _device(config, variants, seed)
        return SplitModel(
            stages=(*_resize(config, device[0]), *device, *_server(config, variants, device[-1].output_shape, seed)),
            exit=_exit(config, variants, device),
        )


def _check(config: SplitConfig, cut: Cut) -> None:
    if not is_supported(cut.shape):
        raise InfeasibleError(f"no bottleneck can stand at {cut.name}: its tensor has {len(cut.shape)} dimensions")
    if config.channels > channels(cut.shape):
        raise InfeasibleError(
            f"channels {config.channels} is above the {channels(cut.shape)} channels of the tensor at {cut.name}"
        )
    if config.head == "mimic" and config.division_scope != "tail":
        raise InfeasibleError(
            f"a mimic head has no layers of the backbone to divide: division_scope must be tail, not "
            f"{config.division_scope}"
        )


def _resize(config: SplitConfig, first: Stage) -> tuple[Stage, ...]:
    image = (3, config.image_size, config.image_size)
    if first.input_shape == image:
        return ()
    side = first.input_shape[-1]
    return (
        Stage(name="resize", site="device", module=Resize(side), input_shape=image, output_shape=first.input_shape),
    )


def _device(config: SplitConfig, variants: Variants, seed: int) -> tuple[Stage, ...]:
    recipe = Recipe.of(config, "head")
    if config.head == "mimic":
        return (_mimic(config, variants, recipe),)
    heads = _heads(config, variants, recipe, seed)
    shape = heads[-1].output_shape
    encoder = Encoder(shape, config.channels, stride=config.stride, activation_name=config.activation)
    _, height, width = map_shape(shape)
    narrow = (config.channels, -(-height // config.stride), -(-width // config.stride))
    costs = f"encoder {shape} {narrow} {config.stride} {config.activation}"
    return (
        *heads,
        Stage(
            name="encoder",
            site="device",
            module=encoder,
            input_shape=shape,
            output_shape=narrow,
            bits=config.bits,
            same_costs=costs,
        ),
    )


def _mimic(config: SplitConfig, variants: Variants, recipe: Recipe) -> Stage:
    size = recipe.image_size
    # The target is the tensor of the backbone at this resolution: a shrunk tail has fewer blocks, never other maps.
    target = variants.cut(Recipe(image_size=size), config.cut).shape
    encoder, narrow = mimic_encoder(
        target,
        config.channels,
        size,
        name=config.encoder,
        width=config.encoder_width,
        depth=config.encoder_depth,
        stride=config.stride,
        activation_name=config.activation,
    )
    costs = f"mimic {config.encoder} {config.encoder_width} {config.encoder_depth} {size} {narrow} {config.activation}"
    return Stage(
        name="encoder",
        site="device",
        module=encoder,
        input_shape=(3, size, size),
        output_shape=narrow,
        bits=config.bits,
        same_costs=costs,
    )


def _heads(config: SplitConfig, variants: Variants, recipe: Recipe, seed: int) -> tuple[Stage, ...]:
    """The backbone's layers up to the cut, in two parts if an exit stands between them."""
    graphs = variants.members(recipe, seed)
    cut = variants.cut(recipe, config.cut)
    image, split = (3, recipe.image_size, recipe.image_size), _splitter(variants, recipe)
    if config.exit_cut is None or _at_the_cut(config, variants):
        parts = [split(graph, cut)[0] for graph in graphs]
        return (_head_stage("head", parts, image, None, cut.shape, f"head {recipe} {cut.name}", recipe, cut),)
    exit_cut = _exit_cut(config, variants, recipe)
    halves = [split(replace(graph, module=split(graph, cut)[0]), exit_cut) for graph in graphs]
    first = _head_stage(
        "head", [half[0] for half in halves], image, None, exit_cut.shape, f"head {recipe} {exit_cut.name}",
        recipe, exit_cut,
    )  # fmt: skip
    second = _head_stage(
        "head_after_exit", [half[1] for half in halves], first.output_shape, exit_cut.shape, cut.shape,
        f"head {recipe} {exit_cut.name} {cut.name}", recipe, cut,
    )  # fmt: skip
    return first, second


def _head_stage(  # noqa: PLR0913, PLR0917  # what a part of the head consists of
    name: str,
    parts: Sequence[nn.Module],
    entry: Shape,
    lane_entry: Shape | None,
    leave: Shape,
    costs: str,
    recipe: Recipe,
    cut: Cut,
) -> Stage:
    joint = _joint(leave, len(parts))
    return Stage(
        name=name,
        site="device",
        module=parts[0] if len(parts) == 1 else Lanes(parts, entry=lane_entry, leave=leave),
        input_shape=entry,
        output_shape=joint,
        same_costs=costs,
        original=recipe.is_original,
        cut=cut.name,
    )


def _exit_cut(config: SplitConfig, variants: Variants, recipe: Recipe) -> Cut:
    assert config.exit_cut is not None
    exit_cut, cut = variants.cut(recipe, config.exit_cut), variants.cut(recipe, config.cut)
    if exit_cut.index > cut.index:
        raise InfeasibleError(
            f"the exit at {exit_cut.name} lies after the cut at {cut.name}: an exit must stand on the device"
        )
    return exit_cut


def _at_the_cut(config: SplitConfig, variants: Variants) -> bool:
    assert config.exit_cut is not None
    return find_cut(variants.graph, config.exit_cut) == find_cut(variants.graph, config.cut)


def _splitter(variants: Variants, recipe: Recipe) -> _Splitter:
    """Parts that candidates share are kept; a candidate's own copies must not outlive it in a cache."""
    return split_at if variants.is_meta or recipe.is_original else part_at


def _joint(shape: Shape, lanes: int) -> Shape:
    """The tensor of all lanes: their maps along the channels; of one lane, its tensor as it is."""
    if lanes == 1:
        return shape
    wide, height, width = map_shape(shape)
    return lanes * wide, height, width


def _server(config: SplitConfig, variants: Variants, narrow: Shape, seed: int) -> tuple[Stage, Stage]:
    recipe = Recipe.of(config, "tail")
    graphs = variants.members(recipe, seed + config.division)
    cut = variants.cut(recipe, config.cut)
    joint = _joint(cut.shape, len(graphs))
    tails = [_splitter(variants, recipe)(graph, cut)[1] for graph in graphs]
    assert len(narrow) == 3
    return (
        Stage(
            name="decoder",
            site="server",
            module=decoder(config.decoder, narrow, joint),
            input_shape=narrow,
            output_shape=joint,
            same_costs=f"decoder {config.decoder} {narrow} {joint}",
        ),
        Stage(
            name="tail",
            site="server",
            module=tails[0] if len(tails) == 1 else Lanes(tails, entry=cut.shape, leave=None),
            input_shape=joint,
            output_shape=(variants.classes,),
            same_costs=f"tail {recipe} {config.cut}",
            original=recipe.is_original,
            cut=cut.name,
        ),
    )


def _exit(config: SplitConfig, variants: Variants, device: tuple[Stage, ...]) -> Exit | None:
    if config.exit_cut is None:
        return None
    if config.head == "mimic" and not _at_the_cut(config, variants):
        raise InfeasibleError(
            f"a mimic head has no layers of the backbone where an exit could stand: exit_cut must be the cut "
            f"{config.cut}, not {config.exit_cut}"
        )
    after = device[0]
    return Exit(
        after=after.name,
        stage=Stage(
            name="exit",
            site="device",
            module=ExitClassifier(after.output_shape, variants.classes),
            input_shape=after.output_shape,
            output_shape=(variants.classes,),
            same_costs=f"exit {after.output_shape} {variants.classes}",
        ),
        confidence=config.exit_confidence,
        threshold=config.exit_threshold,
        fusion=config.exit_fusion,
    )


def whole_on_device(graph: TracedGraph) -> SplitModel:
    """The baseline that sends nothing."""
    return SplitModel(stages=(_whole(graph, "device"),))


def server_only(graph: TracedGraph) -> SplitModel:
    """The baseline that sends the image, as 8-bit pixels, and computes nothing on the device."""
    image = (3, graph.image_size, graph.image_size)
    camera = Stage(name="camera", site="device", module=nn.Identity(), input_shape=image, output_shape=image, bits=8)
    return SplitModel(stages=(camera, _whole(graph, "server")))


def whole_variant(config: SplitConfig, variants: Variants) -> SplitModel:
    """A divided or shrunk network that nobody splits, on the device.

    Raises:
        InfeasibleError: the backbone has no such variant.
    """
    recipe = Recipe.of(config, "head")
    image, logits = (3, recipe.image_size, recipe.image_size), (variants.classes,)
    graphs = variants.members(recipe)
    backbone = Stage(
        name="backbone",
        site="device",
        module=graphs[0].module if len(graphs) == 1 else Lanes([g.module for g in graphs], entry=None, leave=None),
        input_shape=image,
        output_shape=logits,
        same_costs=f"whole {recipe}",
        original=recipe.is_original,
    )
    return SplitModel(stages=(*_resize(config, backbone), backbone))


def _whole(graph: TracedGraph, site: str) -> Stage:
    return Stage(
        name="backbone",
        site="device" if site == "device" else "server",
        module=graph.module,
        input_shape=(3, graph.image_size, graph.image_size),
        output_shape=graph.shapes[graph.output.name],
        same_costs="backbone",
        original=True,
    )
