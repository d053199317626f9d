"""The baselines of a run, with accuracies and JPEG sizes measured on the validation images."""

from splitsearch.profilers.baselines import JPEG_QUALITIES, local_profile, server_jpeg_profile, server_raw_profile
from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.data.preprocess import jpeg
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.training.teacher import Teacher, accuracy

__all__ = ["evaluate_baselines"]


def evaluate_baselines(teacher: Teacher, data: Dataset, profiler: Profiler) -> tuple[Baseline, ...]:
    """All on the device, all on the server with raw pixels, and with JPEG at several qualities.

    Pixels that arrive unchanged leave the teacher's accuracy; JPEG images are encoded, decoded and classified.
    """
    raw = (("local", local_profile), ("server_raw", server_raw_profile))
    found = [_baseline(name, cost(teacher.graph, profiler), teacher.accuracy) for name, cost in raw]
    for quality in JPEG_QUALITIES:
        decoded, sizes = jpeg(data.val.images, quality)
        profile = server_jpeg_profile(teacher.graph, profiler, sum(sizes) / len(sizes))
        seen = accuracy(teacher.graph.module, Split(images=decoded, labels=data.val.labels))
        found.append(_baseline(f"server_jpeg_q{quality}", profile, seen))
    return tuple(found)


def _baseline(name: str, profile: Profile, seen: float) -> Baseline:
    return Baseline(
        name=name,
        values=profile.values | {"accuracy": seen},
        latency=profile.to_json()["latency"],
        macs={"device": profile.device_macs, "server": profile.server_macs},
    )
