"""The ways to do without a split, costed like any candidate: a split that does not beat them is no use.

All on the device, by the backbone or by a smaller network; all on the server with the raw pixels; all on the server
with a JPEG or WebP file. Bottlenecks beat raw pixels easily and image files only on slow links, so a comparison without
those misleads (facts of ScissionTL and SC2).
"""

from splitsearch.profilers.image_files import ImageFile, coding_time
from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.spaces.assemble import server_only, whole_on_device
from splitsearch.spaces.graph.trace import TracedGraph

__all__ = ["QUALITIES", "local_profile", "server_file_profile", "server_raw_profile"]

QUALITIES = {"jpeg": (90, 75, 50, 25, 10), "webp": (75, 40, 10)}
"""The points of each codec's curve, on its own scale; each costs a pass of the teacher over the validation images."""


def local_profile(graph: TracedGraph, profiler: Profiler) -> Profile:
    """Everything on the device; another network than the profiler's candidates wants a profiler of its own."""
    return profiler.profile(whole_on_device(graph))


def server_raw_profile(graph: TracedGraph, profiler: Profiler) -> Profile:
    """Everything on the server; 8-bit pixels cross the network."""
    return profiler.profile(server_only(graph))


def server_file_profile(graph: TracedGraph, profiler: Profiler, file: ImageFile) -> Profile:
    """Everything on the server; an image file crosses, encoded on the device and decoded on the server."""
    encode, _ = coding_time(file, "encode", profiler.target.device)
    decode, _ = coding_time(file, "decode", profiler.target.server)
    return profiler.fold(server_only(graph), payload=file.mean_bytes, encode=encode, decode=decode)
