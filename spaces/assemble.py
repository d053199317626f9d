"""From a configuration to the modules that it means."""

from torch import nn

from splitsearch.spaces.bottleneck.linear import Decoder, Encoder
from splitsearch.spaces.bottleneck.mimic import mimic_encoder
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.cuts import Cut, find_cut, split_at
from splitsearch.spaces.graph.layout import channels, is_supported, map_shape
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import SplitModel, Stage

__all__ = ["assemble", "server_only", "whole_on_device"]


def assemble(config: SplitConfig, graph: TracedGraph) -> SplitModel:
    """Builds one candidate; head and tail share the backbone's parameters, encoder and decoder are new.

    Raises:
        InfeasibleError: the bottleneck is no narrower than the tensor, or no such head exists at this cut.
        UserError: there is no such cut.
    """
    cut = find_cut(graph, config.cut)
    _check_bottleneck(config, cut)
    _, height, width = map_shape(cut.shape)
    narrow = (config.channels, height, width)
    decoder = Decoder(cut.shape, config.channels)
    head, tail = split_at(graph, cut)
    return SplitModel(
        stages=(
            *_device_part(config, cut, head),
            Stage(name="decoder", site="server", module=decoder, input_shape=narrow, output_shape=cut.shape),
            Stage(
                name="tail",
                site="server",
                module=tail,
                input_shape=cut.shape,
                output_shape=graph.shapes[graph.output.name],
                shared=f"tail:{cut.name}",
            ),
        )
    )


def _check_bottleneck(config: SplitConfig, cut: Cut) -> None:
    if not is_supported(cut.shape):
        raise InfeasibleError(f"no bottleneck can stand at {cut.name}: its tensor has {len(cut.shape)} dimensions")
    if config.channels > channels(cut.shape):
        raise InfeasibleError(
            f"channels {config.channels} is above the {channels(cut.shape)} channels of the tensor at {cut.name}"
        )


def _device_part(config: SplitConfig, cut: Cut, head: nn.Module) -> tuple[Stage, ...]:
    image = (3, config.image_size, config.image_size)
    _, height, width = map_shape(cut.shape)
    narrow = (config.channels, height, width)
    if config.head == "mimic":
        encoder = mimic_encoder(cut.shape, config.channels, config.image_size)
        return (
            Stage(
                name="encoder", site="device", module=encoder, input_shape=image, output_shape=narrow, bits=config.bits
            ),
        )
    return (
        Stage(
            name="head",
            site="device",
            module=head,
            input_shape=image,
            output_shape=cut.shape,
            shared=f"head:{cut.name}",
        ),
        Stage(
            name="encoder",
            site="device",
            module=Encoder(cut.shape, config.channels),
            input_shape=cut.shape,
            output_shape=narrow,
            bits=config.bits,
        ),
    )


def whole_on_device(graph: TracedGraph) -> SplitModel:
    """The baseline that sends nothing."""
    return SplitModel(stages=(_whole(graph, "device"),))


def server_only(graph: TracedGraph) -> SplitModel:
    """The baseline that sends the image, as 8-bit pixels, and computes nothing on the device."""
    image = (3, graph.image_size, graph.image_size)
    camera = Stage(name="camera", site="device", module=nn.Identity(), input_shape=image, output_shape=image, bits=8)
    return SplitModel(stages=(camera, _whole(graph, "server")))


def _whole(graph: TracedGraph, site: str) -> Stage:
    return Stage(
        name="backbone",
        site="device" if site == "device" else "server",
        module=graph.module,
        input_shape=(3, graph.image_size, graph.image_size),
        output_shape=graph.shapes[graph.output.name],
        shared="backbone",
    )
