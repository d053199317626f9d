"""`evaluate`: what an exported model does on a data set, and what another threshold of its exit would do.

A threshold is chosen on the validation images, whatever part is reported: the test part, where the data set has one, is
for reporting alone.
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.dataset import Split, fingerprint
from splitsearch.searcher.deploy.folder import ExportFolder, open_export
from splitsearch.searcher.deploy.images import evaluation_images
from splitsearch.searcher.deploy.measures import answers_document, exit_curve, payload_document, thin
from splitsearch.searcher.deploy.outcomes import Outcomes, Pair, run_halves
from splitsearch.searcher.deploy.restore import data_of, target_of, teacher_for
from splitsearch.searcher.deploy.retune import Wish, retuned
from splitsearch.searcher.deploy.running import pair_of
from splitsearch.searcher.engine.baselines import Rivals, evaluate_baselines
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.settings import read_settings
from splitsearch.searcher.training.teacher import accuracy
from splitsearch.spaces.errors import UserError

__all__ = ["EvaluationOptions", "evaluate"]

_PARTS = {
    "test": "test images, which neither training nor selection saw",
    "validation": "validation images, on which the search selected; the data set has no test part",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """What is asked of an evaluation.

    Attributes:
        dataset: as `splitsearch run` takes it; None for that of the run.
        data_dir: where torchvision's data sets lie.
        onnx: whether ONNX Runtime runs the model; else PyTorch.
        wish: what the exit's threshold is to reach.
        write: whether the threshold that is found is written into the folder.
        baselines: whether JPEG and WebP are measured on the same images; the teacher is needed for that.
    """

    dataset: str | None = None
    data_dir: Path | None = None
    onnx: bool = False
    wish: Wish = field(default_factory=Wish)
    write: bool = False
    baselines: bool = False

    def __post_init__(self) -> None:
        if self.write and not self.wish.is_any:
            raise UserError("--write needs --target-accuracy or --target-latency-ms: it writes the threshold they find")


def evaluate(folder: Path, options: EvaluationOptions, reporter: Reporter) -> dict[str, Any]:
    """Runs an exported model on a data set.

    Args:
        folder: an export folder.
        options: on what, and how.
        reporter: hears what happens.

    Raises:
        UserError: the folder or the data set is wrong, or they do not belong together.
        NothingFeasibleError: no threshold reaches what is wished.
    """
    export = open_export(folder)
    if options.wish.is_any and export.manifest.exit is None:
        raise UserError(f"'{folder}' holds a model without an exit, so there is no threshold to choose")
    name, validation, test = evaluation_images(export, options.dataset, options.data_dir, reporter)
    pair, runtime = pair_of(export, onnx=options.onnx)
    reporter.say(f"{runtime}: {len(validation)} validation images{f' and {len(test)} test images' if test else ''}")
    return _Evaluation(export, options, pair, reporter).document(name, runtime, validation, test)


class _Evaluation:
    def __init__(self, export: ExportFolder, options: EvaluationOptions, pair: Pair, reporter: Reporter) -> None:
        self.export, self.options, self.pair, self.reporter = export, options, pair, reporter

    def document(self, name: str, runtime: str, validation: Split, test: Split | None) -> dict[str, Any]:
        manifest, wish = self.export.manifest, self.options.wish
        threshold = manifest.exit.threshold if manifest.exit else None
        chosen: dict[str, Any] = {}
        if test is None or wish.is_any:
            outcomes = run_halves(self.pair, validation, self.reporter.progress)
        if wish.is_any:
            threshold, chosen = self._retune(outcomes)
        part = "validation" if test is None else "test"
        if test is not None:
            outcomes = run_halves(self.pair, test, self.reporter.progress)
        return {
            "schema": 1,
            "model": manifest.model,
            "backbone": manifest.backbone,
            "trial": manifest.trial,
            "runtime": runtime,
            "dataset": name,
            "part": part,
            "on": _PARTS[part],
            **answers_document(outcomes, threshold),
            "payload_bytes": payload_document(outcomes, threshold),
            "exit": self._exit(outcomes, threshold),
            **chosen,
            "costed_on": {key: manifest.costs[key] for key in ("device", "server", "network", "source")},
            "baselines": self._baselines(validation if test is None else test, part),
        }

    def _retune(self, outcomes: Outcomes) -> tuple[float, dict[str, Any]]:
        point = retuned(exit_curve(outcomes, self.export.manifest.costs), self.options.wish)
        if self.options.write:
            self.export.retuned(point.threshold)
        found = {"retuned": {"on": "validation", "written": self.options.write, **asdict(point)}}
        return point.threshold, found

    def _exit(self, outcomes: Outcomes, threshold: float | None) -> dict[str, Any] | None:
        if threshold is None or self.export.manifest.exit is None:
            return None
        return {
            "confidence": self.export.manifest.exit.confidence,
            "threshold": threshold,
            "exit_rate": float(outcomes.leaves(threshold).mean()),
            "curve": [asdict(point) for point in thin(exit_curve(outcomes, self.export.manifest.costs))],
        }

    def _baselines(self, part: Split, name: str) -> dict[str, Any]:
        """Those that the run measured, or JPEG and WebP on the images of this evaluation."""
        if not self.options.baselines:
            return {"on": "validation images of the run, measured there", "rows": list(self.export.manifest.baselines)}
        settings = read_settings(self.export.settings)
        data = data_of(settings, self.reporter)
        teacher = teacher_for(settings, data, self.reporter)
        if data.classes != self.export.manifest.classes:
            raise UserError("the run's own data set has other classes by now: leave --baselines out")
        same = replace(data, val=part, fingerprint=fingerprint(data.train, part, data.classes))
        codecs = tuple(codec for codec in Rivals().codecs if codec != "webp" or settings.webp)
        # `local` and `server_raw` take the teacher's accuracy on the validation images: here it is that on this part.
        teacher = replace(teacher, accuracy=accuracy(teacher.graph.module, part))
        rows = evaluate_baselines(
            teacher, same, Profiler(target_of(settings)), Rivals(codecs=codecs), progress=self.reporter.progress
        )
        return {"on": f"the {len(part)} {name} images of this evaluation", "rows": [row.to_json() for row in rows]}
