"""The baselines of a run: accuracies, bytes and encode times are measured, on the validation images.

The dear part is a pass over those images per point of a codec's curve; its result is kept in the cache, and a resumed
run takes all of its baselines from its study.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import nn

from splitsearch.profilers.baselines import QUALITIES, local_profile, server_file_profile, server_raw_profile
from splitsearch.profilers.image_files import REFERENCE_QUALITY, CodecTimes, ImageFile, coding_time
from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.searcher.data.codecs import Coded, code, codec_version
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.training.cache import Cache
from splitsearch.searcher.training.loops import Progress, silent
from splitsearch.searcher.training.teacher import Teacher, accuracy

__all__ = ["Rivals", "evaluate_baselines", "model_baseline_name", "network_digest"]


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
    """
    found = {baseline.name: baseline for baseline in known}
    wanted = rivals.names()
    missing = [name for name in wanted if name not in found]
    makers = _Makers(teacher, data, profiler, cache).all(rivals)
    for done, name in enumerate(missing):
        progress("baselines", done, len(missing))
        found[name] = makers[name]()
    if missing:
        progress("baselines", len(missing), len(missing))
    return tuple(found[name] for name in wanted)


class _Makers:
    """How each baseline is made; nothing is done before its maker is called."""

    def __init__(self, teacher: Teacher, data: Dataset, profiler: Profiler, cache: Cache | None) -> None:
        self.teacher, self.data, self.profiler, self.cache = teacher, data, profiler, cache
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

    def _local(self) -> Baseline:
        return _baseline("local", local_profile(self.teacher.graph, self.profiler), self.teacher.accuracy)

    def _raw(self) -> Baseline:
        return _baseline("server_raw", server_raw_profile(self.teacher.graph, self.profiler), self.teacher.accuracy)

    def _file(self, codec: str, quality: int) -> Baseline:
        coded = code(self.data.val.images, codec, quality)
        if (codec, quality) == ("jpeg", REFERENCE_QUALITY):
            self._reference = _times(coded)
        if self._reference is None:
            self._reference = _times(code(self.data.val.images, "jpeg", REFERENCE_QUALITY))
        file = ImageFile(
            codec=codec,
            quality=quality,
            pixels=self.data.image_size**2,
            mean_bytes=coded.mean_bytes,
            here=_times(coded),
            reference=self._reference,
        )
        profile = server_file_profile(self.teacher.graph, self.profiler, file)
        name = f"server_{codec}_q{quality}"
        return _baseline(name, profile, self._accuracy(codec, quality, coded), codec=self._facts(file))

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

    def _accuracy(self, codec: str, quality: int, coded: Coded) -> float:
        """The teacher's on the decoded images; the bytes of the files follow from the versions in the key."""
        if self._weights is None:
            self._weights = network_digest(self.teacher.graph.module)
        key = {
            "version": 1,
            "teacher": self._weights,
            "accuracy": self.teacher.accuracy,
            "data": self.data.fingerprint,
            "codec": codec,
            "quality": quality,
            "library": codec_version(codec),
        }
        found = self.cache.read("baselines", key) if self.cache is not None else None
        if found is not None:
            return float(found[1]["accuracy"])
        seen = accuracy(self.teacher.graph.module, Split(images=coded.images, labels=self.data.val.labels))
        if self.cache is not None:
            self.cache.write("baselines", key, {}, {"accuracy": seen})
        return seen

    def _model(self, name: str, make: Callable[[], Teacher]) -> Baseline:
        small = make()
        # A profiler remembers the whole backbone as one part, and this is another backbone.
        profile = local_profile(small.graph, Profiler(self.profiler.target))
        return _baseline(name, profile, small.accuracy, how=small.how)


def _times(coded: Coded) -> CodecTimes:
    return CodecTimes(encode_ms=coded.encode_ms, decode_ms=coded.decode_ms)


def network_digest(module: nn.Module) -> str:
    """Hash of a network's weights and of the layers and calls that use them."""
    digest = hashlib.sha256(f"{module}{getattr(module, 'graph', '')}".encode())
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).numpy().data)
    return digest.hexdigest()


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
