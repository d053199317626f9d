"""From a trial of the front to a folder that runs: everything is written beside, checked, and only then moved there."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from splitsearch.searcher.data.dataset import Split
from splitsearch.searcher.data.preprocess import MEAN, STD
from splitsearch.searcher.data.resize import short_side
from splitsearch.searcher.deploy.choice import choose, read_front
from splitsearch.searcher.deploy.compare import compare
from splitsearch.searcher.deploy.costs import costs_of
from splitsearch.searcher.deploy.folder import CONFIG, config_text
from splitsearch.searcher.deploy.halves import IMAGE, device_stages, head_outputs, integer_type, tail_inputs
from splitsearch.searcher.deploy.manifest import (
    SCHEMA,
    Checked,
    ExitPart,
    Manifest,
    PayloadPart,
    Preprocessing,
    Seen,
    Tensor,
    file_hash,
    write_manifest,
)
from splitsearch.searcher.deploy.notes import notes
from splitsearch.searcher.deploy.onnx_halves import require_opset, write_onnx
from splitsearch.searcher.deploy.outcomes import Outcomes, run_halves
from splitsearch.searcher.deploy.rebuild import BACKBONE_FILE, onnx_pair, pruned_widths, save_stages, torch_pair
from splitsearch.searcher.deploy.restore import Restored, restore
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.run import read_run
from splitsearch.searcher.settings import RunSettings
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.digest import structure_hash

__all__ = ["ExportOptions", "export_trial"]

_PACKAGES = ("splitsearch", "torch", "torchvision", "timm", "onnx", "onnxruntime", "numpy", "safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What is asked of an export.

    Attributes:
        trial: number of a candidate of the front, or None.
        pick: how to choose one, or None; see `choice.PICKS`.
        opset: operator set of the ONNX files.
        onnx: whether they are written.
        check_images: at most so many validation images are compared.
    """

    trial: int | None = None
    pick: str | None = None
    opset: int = 18
    onnx: bool = True
    check_images: int = 2000

    def __post_init__(self) -> None:
        if self.check_images < 1:
            raise UserError(f"--check-images must be at least 1, not {self.check_images}")


def export_trial(run: Path, out: Path, options: ExportOptions, reporter: Reporter) -> Manifest:
    """Exports one candidate of a run.

    Args:
        run: the run folder.
        out: the folder to write; it must not hold anything yet.
        options: which candidate, and how.
        reporter: hears what happens.

    Returns:
        The manifest of the folder.

    Raises:
        UserError: an input is wrong, or the exported halves differ from PyTorch; nothing has been written.
    """
    if options.onnx:
        require_opset(options.opset)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"'{out}' is there already; name a new folder with -o")
    document, settings = read_front(run), read_run(run)
    entry = choose(document, trial=options.trial, pick=options.pick)
    reporter.say(f"trial {entry['trial']} of {run}")
    restored = restore(run, settings, entry, reporter)
    with _beside(out) as folder:
        return _Export(document, settings, entry, restored).write(folder, out, options, reporter)


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A folder that takes the place of `out` if all goes well, and leaves nothing behind if not."""
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"'{out}' cannot be written: {error.strerror}") from error
    try:
        yield temporary
        os.replace(temporary, out)  # an empty folder in its place is taken over
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class _Export:
    """One export: what is known of the candidate, and the files one after another."""

    def __init__(
        self, document: dict[str, Any], settings: RunSettings, entry: dict[str, Any], restored: Restored
    ) -> None:
        self.document, self.settings, self.entry, self.restored = document, settings, entry, restored

    def write(self, folder: Path, out: Path, options: ExportOptions, reporter: Reporter) -> Manifest:
        model, config = self.restored.model, self.restored.config
        save_stages(device_stages(model), folder / "head.safetensors")
        save_stages(model.at("server"), folder / "tail.safetensors")
        write_atomic(folder / CONFIG, config_text(config, self.settings.to_json(), self.entry["trial"]))
        self._copy(folder, onnx=options.onnx)
        outcomes, checked = self._check(folder, options, reporter)
        manifest = self._manifest(folder, outcomes, checked)
        write_atomic(folder / "NOTES.md", notes(manifest, out.name))
        manifest = manifest.model_copy(update={"files": _hashes(folder)})
        write_manifest(folder, manifest)
        self._say(manifest, reporter)
        return manifest

    def _copy(self, folder: Path, *, onnx: bool) -> None:
        """What is not made here: the example for devices, and a backbone of the user's own."""
        if onnx:
            example = files("splitsearch.searcher.deploy") / "run_head.py"
            write_atomic(folder / "run_head.py", example.read_text(encoding="utf-8"))
        file, _, function = self.settings.backbone.rpartition(":")
        if file.endswith(".py") and function:
            shutil.copyfile(self.settings.path(file), folder / BACKBONE_FILE)

    def _check(self, folder: Path, options: ExportOptions, reporter: Reporter) -> tuple[Outcomes, Checked | None]:
        model, config = self.restored.model, self.restored.config
        part = _spread(self.restored.data.val, options.check_images)
        ours = torch_pair(model, config)
        if not options.onnx:
            return run_halves(ours, part, reporter.progress), None
        reporter.say("writing ONNX files")
        write_onnx(model, config, folder, options.opset)
        reporter.say(f"comparing ONNX Runtime with PyTorch on {len(part)} validation images")
        theirs = onnx_pair(folder, config, ours.shape)
        return compare(ours, theirs, part, options.opset, reporter.progress)

    def _manifest(self, folder: Path, outcomes: Outcomes, checked: Checked | None) -> Manifest:
        restored, entry = self.restored, self.entry
        config, model = restored.config, restored.model
        accuracy = float(outcomes.hits(config.exit_threshold).mean())
        hashes = {name: file_hash(folder / name) for name in ("head.safetensors", "tail.safetensors")}
        head, tail = self._tensors()
        return Manifest(
            schema=SCHEMA,
            model=f"{hashes['head.safetensors'][:16]}-{hashes['tail.safetensors'][:16]}",
            backbone=config.backbone,
            structure=structure_hash(restored.teacher.graph),
            trial=entry["trial"],
            versions=_versions(),
            files=hashes,
            preprocessing=Preprocessing(
                size=config.image_size, short_side=short_side(config.image_size), mean=MEAN, std=STD
            ),
            classes=restored.data.classes,
            head=head,
            tail=tail,
            payload=self._payload(),
            exit=_exit(model.exit),
            seen=Seen(
                accuracy=accuracy,
                images=len(outcomes.labels),
                part="validation",
                search_accuracy=entry["values"]["accuracy"],
                teacher_accuracy=restored.teacher.accuracy,
            ),
            checked=checked,
            profile=entry,
            costs=costs_of(self.settings, model, outcomes, config),
            baselines=tuple(self.document["baselines"]),
            widths=pruned_widths(config, restored.teacher.variants),
        )

    def _tensors(self) -> tuple[dict[Any, tuple[Tensor, ...]], dict[Any, tuple[Tensor, ...]]]:
        config, size = self.restored.config, self.restored.config.image_size
        classes = (len(self.restored.data.classes),)
        shapes = {"payload": self._payload().shape, "exit_logits": classes}
        kinds = {"payload": str(integer_type(config.bits)).removeprefix("torch.")}

        def tensors(names: tuple[str, ...]) -> tuple[Tensor, ...]:
            return tuple(
                Tensor.model_validate({"name": n, "dtype": kinds.get(n, "float32"), "shape": shapes.get(n, ())})
                for n in names
            )

        image = Tensor(name=IMAGE, dtype="float32", shape=(3, size, size))
        logits = Tensor(name="logits", dtype="float32", shape=classes)
        given = tensors(head_outputs(config.bits, with_exit=self.restored.model.exit is not None))
        return (
            {"inputs": (image,), "outputs": given},
            {"inputs": tensors(tail_inputs(config.bits)), "outputs": (logits,)},
        )

    def _payload(self) -> PayloadPart:
        config, crossing = self.restored.config, self.restored.model.crossing
        assert crossing is not None
        channels, height, width = crossing.output_shape
        return PayloadPart.model_validate(
            {
                "shape": (channels, height, width),
                "bits": config.bits,
                "coding": config.coding,
                "max_bytes": payload_bytes(channels * height * width, config.bits),
            }
        )

    def _say(self, manifest: Manifest, reporter: Reporter) -> None:
        seen = manifest.seen
        reporter.say(
            f"validation accuracy {seen.accuracy:.4f} on {seen.images} images; {seen.search_accuracy:.4f} in the search"
        )
        if seen.images == len(self.restored.data.val) and abs(seen.accuracy - seen.search_accuracy) > 0.5 / seen.images:
            reporter.say(
                "warning: that is not what the search measured; the teacher or a library is another one by now"
            )


def _exit(found: Any) -> ExitPart | None:
    if found is None:
        return None
    return ExitPart(confidence=found.confidence, threshold=found.threshold, fusion=found.fusion)


def _spread(part: Split, count: int) -> Split:
    """At most so many images, evenly from the whole part."""
    if count >= len(part):
        return part
    places = [k * len(part) // count for k in range(count)]
    return Split(images=part.images[places], labels=part.labels[places])


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: file_hash(path) for path in sorted(folder.iterdir())}


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
