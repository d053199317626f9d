"""The baselines of a run: accuracies, bytes and encode times are measured, on the validation images.

The dear part is a pass over those images per point of a codec's curve; its result is kept in the cache, and a resumed
run takes all of its baselines from its study.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch

from splitsearch.profilers.baselines import QUALITIES, local_profile, server_file_profile, server_raw_profile
from splitsearch.profilers.image_files import REFERENCE_QUALITY, CodecTimes, ImageFile, coding_time
from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.searcher.data.codecs import Coded, code, codec_version
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.training.cache import Cache, module_digest
from splitsearch.searcher.training.loops import Progress, silent
from splitsearch.searcher.training.placement import CPU, visiting
from splitsearch.searcher.training.teacher import Teacher, accuracy
from splitsearch.spaces.graph.trace import TracedGraph, trace
from splitsearch.spaces.model import Resize

_CODED_BYTES = 2**28  # of images that are files at one time

__all__ = ["Rivals", "evaluate_baselines", "model_baseline_name"]


def model_baseline_name(backbone: str) -> str:
    """What a small network on the device is called: `mobilenet_v3_small` is `local_mobilenet_v3_small`."""
    return f"local_{backbone.rpartition(':')[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """Which baselines a run has, beside those that every run has.

    Attributes:
        codecs: whose curves are drawn.
        models: name of a backbone to a function that makes it ready to classify on the device, as a teacher is made.
    """

    codecs: tuple[str, ...] = tuple(QUALITIES)
    models: Mapping[str, Callable[[], Teacher]] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The baselines in the order of front.json."""
        files = [f"server_{codec}_q{quality}" for codec, quality in self.points()]
        return ["local", "server_raw", *files, *map(model_baseline_name, self.models)]

    def points(self) -> list[tuple[str, int]]:
        """Codec and quality of every image file."""
        return [(codec, quality) for codec in self.codecs for quality in QUALITIES[codec]]


def evaluate_baselines(  # noqa: PLR0913  # what a baseline is, on what, and who hears of it
    teacher: Teacher,
    data: Dataset,
    profiler: Profiler,
    rivals: Rivals,
    *,
    cache: Cache | None = None,
    known: Sequence[Baseline] = (),
    progress: Progress = silent,
    device: torch.device = CPU,
) -> tuple[Baseline, ...]:
    """All on the device, all on the server with raw pixels or image files, and smaller networks on the device.

    Pixels that arrive unchanged leave the teacher's accuracy; image files are encoded, decoded and classified.

    Args:
        teacher: that answers on the server, and on the device in `local`.
        data: its validation images are used.
        profiler: of the candidates.
        rivals: which baselines.
        cache: keeps the accuracies of image files; None keeps nothing.
        known: baselines that a former part of this run found; they are not done again.
        progress: hears how many of how many are done.
        device: where the teacher classifies.
    """
    found = {baseline.name: baseline for baseline in known}
    wanted = rivals.names()
    missing = [name for name in wanted if name not in found]
    makers = _Makers(teacher, data, profiler, cache, device).all(rivals)
    for done, name in enumerate(missing):
        progress("baselines", done, len(missing))
        found[name] = makers[name]()
    if missing:
        progress("baselines", len(missing), len(missing))
    return tuple(found[name] for name in wanted)


class _Makers:
    """How each baseline is made; nothing is done before its maker is called."""

    def __init__(
        self, teacher: Teacher, data: Dataset, profiler: Profiler, cache: Cache | None, device: torch.device
    ) -> None:
        self.teacher, self.data, self.profiler, self.cache, self.device = teacher, data, profiler, cache, device
        self._reference: CodecTimes | None = None
        self._weights: str | None = None

    def all(self, rivals: Rivals) -> dict[str, Callable[[], Baseline]]:
        return dict(self._pairs(rivals))

    def _pairs(self, rivals: Rivals) -> Iterator[tuple[str, Callable[[], Baseline]]]:
        yield "local", self._local
        yield "server_raw", self._raw
        for codec, quality in rivals.points():
            yield f"server_{codec}_q{quality}", partial(self._file, codec, quality)
        for backbone, make in rivals.models.items():
            name = model_baseline_name(backbone)
            yield name, partial(self._model, name, make)

    @cached_property
    def _graph(self) -> TracedGraph:
        """The teacher at the size that costs are computed for."""
        return self._full_size(self.teacher)

    def _full_size(self, teacher: Teacher) -> TracedGraph:
        if self.data.full_size is None:
            return teacher.graph
        return trace(teacher.variants.module, self.data.full_size)

    def _local(self) -> Baseline:
        return _baseline("local", local_profile(self._graph, self.profiler), self.teacher.accuracy)

    def _raw(self) -> Baseline:
        return _baseline("server_raw", server_raw_profile(self._graph, self.profiler), self.teacher.accuracy)

    def _file(self, codec: str, quality: int) -> Baseline:
        found = self._coded(codec, quality)
        if (codec, quality) == ("jpeg", REFERENCE_QUALITY):
            self._reference = found.times
        if self._reference is None:
            self._reference = self._coded("jpeg", REFERENCE_QUALITY).times
        file = ImageFile(
            codec=codec,
            quality=quality,
            pixels=self.data.cost_size**2,
            mean_bytes=found.mean_bytes,
            here=found.times,
            reference=self._reference,
        )
        profile = server_file_profile(self._graph, self.profiler, file)
        name = f"server_{codec}_q{quality}"
        return _baseline(name, profile, found.accuracy, codec=self._facts(file))

    def _coded(self, codec: str, quality: int) -> "_Files":
        """All validation images as files of one codec and quality, so many at a time as memory takes."""
        known = self._known_accuracy(codec, quality)
        images = self.data.full_val or self.data.val
        each = max(1, _CODED_BYTES // images.images[0].numel())
        parts = [self._some(images, chunk, (codec, quality), known) for chunk in _chunks(len(images), each)]
        found = _Files.joined(parts)
        if known is None and self.cache is not None:
            self.cache.write("baselines", self._key(codec, quality), {}, {"accuracy": found.accuracy})
        return found

    def _some(self, images: Split, chosen: torch.Tensor, point: tuple[str, int], known: float | None) -> "_Files":
        coded = code(images.images[chosen], *point)
        seen = known
        if seen is None:
            module = self.teacher.graph.module
            with visiting(self.device, module):
                seen = accuracy(module, Split(self._seen(coded.images), images.labels[chosen]))
        return _Files(count=len(chosen), mean_bytes=coded.mean_bytes, times=_times(coded), accuracy=seen)

    def _seen(self, images: torch.Tensor) -> torch.Tensor:
        """What the teacher gets to see of decoded images: smaller ones, where it learned on smaller ones."""
        if images.shape[-1] == self.data.image_size:
            return images
        small = [Resize(self.data.image_size)(some.float()) for some in torch.split(images, 64)]
        return torch.cat([some.round().clamp(0, 255).to(torch.uint8) for some in small])

    def _facts(self, file: ImageFile) -> dict[str, Any]:
        target = self.profiler.target
        encode, encode_source = coding_time(file, "encode", target.device)
        decode, decode_source = coding_time(file, "decode", target.server)
        return {
            "name": file.codec,
            "quality": file.quality,
            "encode_ms": encode.ms,
            "encode_source": encode_source,
            "encode_ms_here": file.here.encode_ms,
            "decode_ms": decode.ms,
            "decode_source": decode_source,
            "decode_ms_here": file.here.decode_ms,
        }

    def _known_accuracy(self, codec: str, quality: int) -> float | None:
        found = self.cache.read("baselines", self._key(codec, quality)) if self.cache is not None else None
        return None if found is None else float(found[1]["accuracy"])

    def _key(self, codec: str, quality: int) -> dict[str, Any]:
        """What the teacher's accuracy on decoded images follows from; the bytes of files follow from the versions."""
        if self._weights is None:
            self._weights = module_digest(self.teacher.graph.module)
        return {
            "version": 1,
            "teacher": self._weights,
            "accuracy": self.teacher.accuracy,
            "data": self.data.fingerprint,
            "image_size": self.data.cost_size,
            "codec": codec,
            "quality": quality,
            "library": codec_version(codec),
        }

    def _model(self, name: str, make: Callable[[], Teacher]) -> Baseline:
        small = make()
        # A profiler remembers the whole backbone as one part, and this is another backbone.
        profile = local_profile(self._full_size(small), Profiler(self.profiler.target))
        return _baseline(name, profile, small.accuracy, how=small.how)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """Images as files: how many, and means over them."""

    count: int
    mean_bytes: float
    times: CodecTimes
    accuracy: float

    @classmethod
    def joined(cls, parts: Sequence["_Files"]) -> "_Files":
        """The same of all parts together."""
        count = sum(part.count for part in parts)

        def mean(of: Callable[["_Files"], float]) -> float:
            return sum(part.count * of(part) for part in parts) / count

        return cls(
            count=count,
            mean_bytes=mean(lambda part: part.mean_bytes),
            times=CodecTimes(
                encode_ms=mean(lambda part: part.times.encode_ms), decode_ms=mean(lambda part: part.times.decode_ms)
            ),
            accuracy=mean(lambda part: part.accuracy),
        )


def _chunks(count: int, each: int) -> tuple[torch.Tensor, ...]:
    return torch.split(torch.arange(count), each)


def _times(coded: Coded) -> CodecTimes:
    return CodecTimes(encode_ms=coded.encode_ms, decode_ms=coded.decode_ms)


def _baseline(
    name: str, profile: Profile, seen: float, *, how: str = "", codec: dict[str, Any] | None = None
) -> Baseline:
    return Baseline(
        name=name,
        values=profile.values | {"accuracy": seen},
        latency=profile.to_json()["latency"],
        macs={"device": profile.device_macs, "server": profile.server_macs},
        how=how,
        codec=codec,
    )
