"""The ways to do without a split, costed like any candidate: a split that does not beat them is no use.

All on the device; all on the server with the raw pixels; all on the server with a JPEG image. Bottlenecks beat raw
pixels easily and JPEG only on slow links, so a comparison without JPEG misleads (facts of ScissionTL and SC2).
"""

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.duration import Duration
from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.spaces.assemble import server_only, whole_on_device
from splitsearch.spaces.graph.trace import TracedGraph

__all__ = ["JPEG_QUALITIES", "local_profile", "server_jpeg_profile", "server_raw_profile"]

JPEG_QUALITIES = (90, 75, 50, 25, 10)


def local_profile(graph: TracedGraph, profiler: Profiler) -> Profile:
    """Everything on the device."""
    return profiler.profile(whole_on_device(graph))


def server_raw_profile(graph: TracedGraph, profiler: Profiler) -> Profile:
    """Everything on the server; 8-bit pixels cross the network."""
    return profiler.profile(server_only(graph))


def server_jpeg_profile(graph: TracedGraph, profiler: Profiler, jpeg_bytes: float) -> Profile:
    """Everything on the server; a JPEG file of so many bytes crosses, at the codec speeds of the two profiles."""
    megapixels = graph.image_size**2 / 1e6
    codec = profiler.target.device.codec, profiler.target.server.codec
    return profiler.fold(
        server_only(graph),
        payload=jpeg_bytes,
        encode=_known(1e3 * megapixels / codec[0].jpeg_encode_mpixels_per_s, profiler.target.device),
        decode=_known(1e3 * megapixels / codec[1].jpeg_decode_mpixels_per_s, profiler.target.server),
    )


def _known(ms: float, device: DeviceProfile) -> Duration:
    return Duration(ms=ms, source=device.source)
