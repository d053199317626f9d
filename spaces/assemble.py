"""From a configuration to the modules that it means."""

from collections.abc import Callable
from itertools import chain

import torch
from torch import nn

from splitsearch.spaces.bottleneck.decoders import check_decoder, decoder
from splitsearch.spaces.bottleneck.encoders import Encoder, encoded_shape, mimic_encoder, mimic_shape
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.exits import ExitClassifier
from splitsearch.spaces.graph.cuts import Cut, find_cut
from splitsearch.spaces.graph.layout import Shape, channels, is_supported, map_shape
from splitsearch.spaces.graph.part import GraphPart
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import Exit, Lanes, Resize, SplitModel, Stage
from splitsearch.spaces.variants.variants import Recipe, Variants

__all__ = ["assemble", "server_only", "whole_on_device", "whole_variant"]


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
    _check(config, find_cut(variants.graph, config.cut))
    device = _device(config, variants, seed)
    model = SplitModel(
        stages=(*_resize(config, device[0]), *device, *_server(config, variants, device[-1].output_shape, seed)),
        exit=_exit(config, variants, device),
    )
    if not variants.is_meta:
        _build(model)
    return model


def _build(model: SplitModel) -> None:
    """Random numbers are drawn in this order, whoever asks for which stage first."""
    for stage in chain(model.stages, (model.exit.stage,) if model.exit else ()):
        _ = stage.module


def _at_home(variants: Variants, build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Builds new modules where the backbone's weights are: on the CPU, or on the meta device."""

    def built() -> nn.Module:
        with torch.device("meta" if variants.is_meta else "cpu"):
            return build()

    return built


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
        Stage(
            name="resize",
            site="device",
            build=lambda: Resize(side),
            input_shape=image,
            output_shape=first.input_shape,
            same_costs=f"resize {image} {side}",
        ),
    )


def _device(config: SplitConfig, variants: Variants, seed: int) -> tuple[Stage, ...]:
    recipe = Recipe.of(config, "head")
    if config.head == "mimic":
        return (_mimic(config, variants, recipe),)
    heads = _heads(config, variants, recipe, seed)
    shape = heads[-1].output_shape
    narrow = encoded_shape(shape, config.channels, config.stride)
    encoder = Stage(
        name="encoder",
        site="device",
        build=_at_home(
            variants,
            lambda: Encoder(shape, config.channels, stride=config.stride, activation_name=config.activation),
        ),
        input_shape=shape,
        output_shape=narrow,
        bits=config.bits,
        coding=config.coding,
        same_costs=f"encoder {shape} {narrow} {config.stride} {config.activation}",
    )
    return (*heads, encoder)


def _mimic(config: SplitConfig, variants: Variants, recipe: Recipe) -> Stage:
    size = recipe.image_size
    # The target is the tensor of the backbone at this resolution: a shrunk tail has fewer blocks, never other maps.
    target = variants.cut(Recipe(image_size=size), config.cut).shape
    narrow = mimic_shape(target, config.channels, size, name=config.encoder, stride=config.stride)

    def build() -> nn.Module:
        return mimic_encoder(
            target,
            config.channels,
            size,
            name=config.encoder,
            width=config.encoder_width,
            depth=config.encoder_depth,
            stride=config.stride,
            activation_name=config.activation,
        )[0]

    costs = f"mimic {config.encoder} {config.encoder_width} {config.encoder_depth} {size} {narrow} {config.activation}"
    return Stage(
        name="encoder",
        site="device",
        build=_at_home(variants, build),
        input_shape=(3, size, size),
        output_shape=narrow,
        bits=config.bits,
        coding=config.coding,
        same_costs=costs,
    )


def _heads(config: SplitConfig, variants: Variants, recipe: Recipe, seed: int) -> tuple[Stage, ...]:
    """The backbone's layers up to the cut, in two parts if an exit stands between them."""
    graphs = variants.members(recipe, seed)
    cut = variants.cut(recipe, config.cut)
    if config.exit_cut is None or _at_the_cut(config, variants):
        return (_head("head", variants, recipe, [GraphPart(graph=graph, until=cut) for graph in graphs]),)
    exit_cut = _exit_cut(config, variants, recipe)
    return (
        _head("head", variants, recipe, [GraphPart(graph=graph, until=exit_cut) for graph in graphs]),
        _head(
            "head_after_exit",
            variants,
            recipe,
            [GraphPart(graph=graph, after=exit_cut, until=cut) for graph in graphs],
        ),
    )


def _head(name: str, variants: Variants, recipe: Recipe, parts: list[GraphPart]) -> Stage:
    first, lanes = parts[0], len(parts)
    assert first.until is not None
    entry = first.after.shape if first.after else None
    return Stage(
        name=name,
        site="device",
        build=lambda: _lanes(variants, recipe, parts, entry=entry, leave=first.output_shape),
        input_shape=_joint(entry, lanes) if entry else (3, recipe.image_size, recipe.image_size),
        output_shape=_joint(first.output_shape, lanes),
        same_costs=f"head {recipe} {first.after.name if first.after else ''} {first.until.name}",
        original=recipe.is_original,
        cut=first.until.name,
        parts=tuple(parts),
    )


def _lanes(
    variants: Variants, recipe: Recipe, parts: list[GraphPart], *, entry: Shape | None, leave: Shape | None
) -> nn.Module:
    # Parts that candidates share are kept; a candidate's own copies must not outlive it in a cache.
    modules = [part.cut_out(shared=variants.is_meta or recipe.is_original) for part in parts]
    return modules[0] if len(modules) == 1 else Lanes(modules, entry=entry, leave=leave)


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
    parts = [GraphPart(graph=graph, after=cut) for graph in graphs]
    assert len(narrow) == 3
    check_decoder(config.decoder, narrow, joint)
    return (
        Stage(
            name="decoder",
            site="server",
            build=_at_home(variants, lambda: decoder(config.decoder, narrow, joint)),
            input_shape=narrow,
            output_shape=joint,
            same_costs=f"decoder {config.decoder} {narrow} {joint}",
        ),
        Stage(
            name="tail",
            site="server",
            build=lambda: _lanes(variants, recipe, parts, entry=cut.shape, leave=None),
            input_shape=joint,
            output_shape=(variants.classes,),
            same_costs=f"tail {recipe} {cut.name}",
            original=recipe.is_original,
            cut=cut.name,
            parts=tuple(parts),
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
            build=_at_home(variants, lambda: ExitClassifier(after.output_shape, variants.classes)),
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
    camera = Stage(name="camera", site="device", build=nn.Identity, input_shape=image, output_shape=image, bits=8)
    return SplitModel(stages=(camera, _whole(graph, "server")))


def whole_variant(config: SplitConfig, variants: Variants) -> SplitModel:
    """A divided or shrunk network that nobody splits, on the device.

    Raises:
        InfeasibleError: the backbone has no such variant.
    """
    recipe = Recipe.of(config, "head")
    image, logits = (3, recipe.image_size, recipe.image_size), (variants.classes,)
    parts = [GraphPart(graph=graph) for graph in variants.members(recipe)]
    backbone = Stage(
        name="backbone",
        site="device",
        build=lambda: _lanes(variants, recipe, parts, entry=None, leave=None),
        input_shape=image,
        output_shape=logits,
        same_costs=f"whole {recipe}",
        original=recipe.is_original,
        parts=tuple(parts),
    )
    return SplitModel(stages=(*_resize(config, backbone), backbone))


def _whole(graph: TracedGraph, site: str) -> Stage:
    return Stage(
        name="backbone",
        site="device" if site == "device" else "server",
        build=lambda: graph.module,
        input_shape=(3, graph.image_size, graph.image_size),
        output_shape=graph.shapes[graph.output.name],
        same_costs="backbone",
        original=True,
        parts=(GraphPart(graph=graph),),
    )
