"""Measures candidates that a profile has not seen, on the machine of the profile, and asks the profile for them."""

import random
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.devices.measured import KernelFields, Measured, MeasuredPart, Pace
from splitsearch.profilers.duration import Duration
from splitsearch.profilers.measure import agent
from splitsearch.profilers.measure.check import Row
from splitsearch.profilers.measure.draw import Drawn, draw
from splitsearch.profilers.measure.here import Effort, Progress
from splitsearch.profilers.measure.jobs import write_onnx
from splitsearch.profilers.measure.pace import at_pace, comparable, pace_of, visits_in, yardstick
from splitsearch.profilers.measure.plan import Item, Slice, backbone_items, sides
from splitsearch.profilers.measure.runtimes import RuntimeOptions, make_runtime, needs_onnx
from splitsearch.profilers.measure.series import Sample, difference, series_of
from splitsearch.profilers.predict.times import times_of
from splitsearch.spaces.backbones.loading import fresh_module
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.part import GraphPart
from splitsearch.spaces.model import Site, SplitModel, Stage
from splitsearch.spaces.variants.variants import Variants

__all__ = ["Remeasured", "Subject", "check_here", "measure_items", "options_of", "subjects_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network that is measured and predicted.

    Attributes:
        item: for the runtime.
        stages: for the prediction.
        kind: `table`, or the kind of candidate.
    """

    item: Item
    stages: tuple[Stage, ...]
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remeasured:
    """What a machine takes now.

    Attributes:
        halves: network to the samples of its even and of its odd rounds, at the pace that was asked for.
        observed_ms: network to its median as it was.
        slower: what the yardstick takes now, over what it took then; None where no pace is told.
    """

    halves: Mapping[str, tuple[list[Sample], list[Sample]]]
    observed_ms: Mapping[str, float]
    slower: float | None


def options_of(measured: Measured) -> RuntimeOptions:
    """The runtime of a profile, on this machine.

    Raises:
        UserError: what the profile was measured in is not to be had here.
    """
    found = measured.runtime
    return RuntimeOptions(name=found.name, provider=found.provider, threads=found.threads, dtype=found.dtype)


def subjects_of(variants: Variants, candidates: int, cuts: int, seed: int) -> list[Subject]:
    """Both sides of drawn candidates, and some of the backbone's own heads and tails.

    Args:
        variants: the backbone, with values.
        candidates: how many to draw.
        cuts: at how many cuts to measure the table again.
        seed: another than the profile's own.
    """
    found = _table(variants, cuts, seed)
    drawn, models = draw(variants, candidates, seed)
    for candidate, model in zip(drawn, models, strict=True):
        found += _candidate(candidate, model, variants)
    return found


def _candidate(candidate: Drawn, model: SplitModel, variants: Variants) -> list[Subject]:
    items = sides(candidate.config, model, variants)
    sites: tuple[Site, Site] = ("device", "server")
    return [
        Subject(
            item=item,
            stages=tuple(stage for stage in model.at(site) if stage.name != "resize"),
            kind=candidate.kind,
        )
        for item, site in zip(items, sites, strict=True)
    ]


def _table(variants: Variants, cuts: int, seed: int) -> list[Subject]:
    """Heads and tails of some cuts, drawn evenly over the network."""
    items, described = backbone_items(variants)
    names = [row["cut"] for row in described["cuts"] if row["tail"]]
    count = min(cuts, len(names))
    chance = random.Random(seed)
    chosen = {names[int((place + chance.random()) * len(names) / count)] for place in range(count)}
    found = []
    for item in items:
        piece = item.pieces[0]
        assert isinstance(piece, Slice)
        cut = piece.end or piece.start
        if cut is not None and cut.name in chosen:
            found.append(Subject(item=item, stages=(_stage(piece, variants),), kind="table"))
    return found


def _stage(piece: Slice, variants: Variants) -> Stage:
    cut = piece.end or piece.start
    assert cut is not None
    head = piece.end is not None
    return Stage(
        name="head" if head else "tail",
        site="device" if head else "server",
        build=lambda: piece.module,
        input_shape=piece.input_shape,
        output_shape=cut.shape if head else (variants.classes,),
        same_costs=f"{'head' if head else 'tail'} of the table {variants.name} {variants.graph.image_size} {cut.name}",
        original=True,
        cut=cut.name,
        parts=(GraphPart(graph=piece.graph, after=piece.start, until=piece.end),),
    )


def check_here(
    device: DeviceProfile,
    backbones: Sequence[str],
    counts: tuple[int, int],
    effort: Effort,
    progress: Progress,
) -> tuple[list[Row], list[MeasuredPart], float | None]:
    """Measures and predicts.

    Args:
        device: the profile; it says the runtime.
        backbones: of which candidates are drawn; all of the profile's if there are none.
        counts: candidates, and cuts of the table, of each backbone.
        effort: how long, and the seed of the draw.
        progress: hears what is done.

    Returns:
        One row per network; the candidates' sides as parts that can be folded into the profile; and how much longer
        the yardstick takes now than it did then, which the rows leave out, None where no pace is told.

    Raises:
        UserError: the profile has no measurements, or this machine has not its runtime.
    """
    measured = device.measured
    if measured is None:
        raise UserError(f"the device profile {device.name} was not measured: `splitsearch device measure` makes one")
    options = options_of(measured)
    make_runtime(options, Path(), {})
    subjects: list[Subject] = []
    predicted: dict[str, Duration] = {}
    for name, size in _chosen(measured, backbones):
        progress("networks", len(subjects), len(subjects) + 1)
        torch.manual_seed(effort.seed)
        variants = Variants.trace(name, fresh_module(name), size)
        found = subjects_of(variants, *counts, effort.seed)
        times = times_of(device, OperatorTables())  # what stages have in common, they have within one backbone
        predicted |= {subject.item.name: times.chain(subject.stages) for subject in found}
        subjects += found
    everything = [subject.item for subject in subjects]
    pace = comparable(measured.pace, measured.runtime.name)
    taken = measure_items(everything, options, effort, progress, pace)
    rows = [_row(subject, predicted[subject.item.name], taken) for subject in subjects]
    parts = [_part(subject.item, taken, options) for subject in subjects if subject.item.config is not None]
    return rows, parts, taken.slower


def _row(subject: Subject, predicted: Duration, taken: Remeasured) -> Row:
    name = subject.item.name
    even, odd = taken.halves[name]
    return Row(
        name=name,
        kind=subject.kind,
        site=subject.stages[0].site,
        predicted=predicted,
        measured_ms=series_of(even + odd).p50,
        observed_ms=taken.observed_ms[name],
        halves_percent=100 * difference(even, odd),
    )


def _part(item: Item, taken: Remeasured, options: RuntimeOptions) -> MeasuredPart:
    """A side of a candidate, as a profile holds it."""
    assert item.config is not None
    even, odd = taken.halves[item.name]
    return MeasuredPart(
        name=item.name,
        kernels=_kernels(item, options),
        series=series_of(even + odd),
        config=item.config.to_json(),
        site=item.site,
    )


def _chosen(measured: Measured, backbones: Sequence[str]) -> list[tuple[str, int]]:
    known = [(found.backbone, found.image_size) for found in measured.backbones]
    sizes = [size for _, size in known]
    return [(name, dict(known).get(name, sizes[0])) for name in backbones] or known


def _kernels(item: Item, options: RuntimeOptions) -> tuple[KernelFields, ...]:
    from splitsearch.profilers.measure.here import kernel_fields

    return kernel_fields(item, options)


def measure_items(
    items: Sequence[Item],
    options: RuntimeOptions,
    effort: Effort,
    progress: Progress,
    pace: Pace | None = None,
) -> Remeasured:
    """Measures every item on this machine.

    Args:
        items: what is measured.
        options: in which runtime.
        effort: how long.
        progress: hears what is done.
        pace: at which the samples are wanted; None for the pace that the machine has.

    Raises:
        UserError: this machine has not the runtime, or the runtime refuses a network.
    """
    beside = [] if pace is None else [yardstick(options.name)]
    with tempfile.TemporaryDirectory(prefix="splitsearch-check-") as name:
        visits = visits_in(_lines(Path(name), [*items, *beside], options, effort, progress))
    halves: dict[str, tuple[list[Sample], list[Sample]]] = {item.name: ([], []) for item in items}
    observed: dict[str, list[Sample]] = defaultdict(list)
    for visit, scaled in zip(visits, at_pace(visits, pace.p50_ms if pace is not None else None), strict=True):
        if visit.item in halves:
            halves[visit.item][visit.round % 2].extend(scaled.samples)
            observed[visit.item].extend(visit.samples)
    now = pace_of(visits, pace.macs) if pace is not None else None
    return Remeasured(
        halves=halves,
        observed_ms={name: series_of(samples).p50 for name, samples in observed.items()},
        slower=now.p50_ms / pace.p50_ms if now is not None and pace is not None else None,
    )


def _lines(
    folder: Path, items: Sequence[Item], options: RuntimeOptions, effort: Effort, progress: Progress
) -> Sequence[agent.Line]:
    """What the agent writes down."""
    if needs_onnx(options.name):
        write_onnx(folder, items, progress)
    runtime = make_runtime(options, folder, {item.name: item for item in items})
    rows = [{"name": item.name, "model": f"{place:03d}.onnx"} for place, item in enumerate(items)]
    log = agent.Log(str(folder / "samples.jsonl"))
    try:
        agent.measure(rows, runtime, log, effort.preset, effort.seed, progress)
    except agent.Refusal as error:
        raise UserError(str(error)) from error
    finally:
        log.close()
        torch.set_flush_denormal(False)  # ONNX Runtime leaves it on, for everything in this thread
    return log.lines
