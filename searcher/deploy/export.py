"""From a trial of the front to a folder that runs: everything is written beside, checked, and only then moved there."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from splitsearch.searcher.data.dataset import Split
from splitsearch.searcher.deploy.choice import choose, require_front
from splitsearch.searcher.deploy.compare import compare
from splitsearch.searcher.deploy.contents import Chosen, describe
from splitsearch.searcher.deploy.folder import CONFIG, config_text
from splitsearch.searcher.deploy.halves import device_stages, stops_early
from splitsearch.searcher.deploy.manifest import Checked, Manifest, file_hash, write_manifest
from splitsearch.searcher.deploy.notes import notes
from splitsearch.searcher.deploy.onnx_halves import require_opset, write_onnx
from splitsearch.searcher.deploy.outcomes import Outcomes, run_halves
from splitsearch.searcher.deploy.rebuild import BACKBONE_FILE, onnx_head, onnx_pair, save_stages, torch_pair
from splitsearch.searcher.deploy.restore import restore
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.run import read_run
from splitsearch.spaces.errors import UserError

__all__ = ["ExportOptions", "export_trial", "write_folder"]


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
    document, settings = require_front(run), read_run(run)
    if settings.proxy_image_size is not None:
        raise UserError(
            f"the candidates of '{run}' were trained on images of {settings.proxy_image_size} px, a proxy: "
            "search again without --proxy-image-size before one is exported"
        )
    entry = choose(document, trial=options.trial, pick=options.pick)
    reporter.say(f"trial {entry['trial']} of {run}")
    restored = restore(run, settings, entry, reporter)
    return write_folder(
        Chosen(document=document, settings=settings, entry=entry, restored=restored), out, options, reporter
    )


def write_folder(chosen: Chosen, out: Path, options: ExportOptions, reporter: Reporter) -> Manifest:
    """Writes the folder of a candidate that is there with its weights.

    Raises:
        UserError: the exported halves differ from PyTorch, or ONNX cannot express them; nothing has been written.
    """
    with _beside(out) as folder:
        return _Export(chosen).write(folder, out, options, reporter)


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

    def __init__(self, chosen: Chosen) -> None:
        self.chosen, self.settings, self.restored = chosen, chosen.settings, chosen.restored

    def write(self, folder: Path, out: Path, options: ExportOptions, reporter: Reporter) -> Manifest:
        model, config = self.restored.model, self.restored.config
        save_stages(device_stages(model), folder / "head.safetensors")
        save_stages(model.at("server"), folder / "tail.safetensors")
        write_atomic(folder / CONFIG, config_text(config, self.settings.to_json(), self.chosen.entry["trial"]))
        self._copy(folder, onnx=options.onnx)
        outcomes, checked = self._check(folder, options, reporter)
        manifest = describe(self.chosen, folder, outcomes, checked)
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
        in_parts = stops_early(model)
        theirs = onnx_pair(folder, config, ours.shape, in_parts=in_parts)
        also = [onnx_head(folder, in_parts=False)] if in_parts else []
        return compare(ours, theirs, part, options.opset, reporter.progress, also=also)

    def _say(self, manifest: Manifest, reporter: Reporter) -> None:
        seen = manifest.seen
        reporter.say(
            f"validation accuracy {seen.accuracy:.4f} on {seen.images} images; {seen.search_accuracy:.4f} in the search"
        )
        if self.chosen.trained is not None:
            return
        if seen.images == len(self.restored.data.val) and abs(seen.accuracy - seen.search_accuracy) > 0.5 / seen.images:
            reporter.say(
                "warning: that is not what the search measured; the teacher or a library is another one by now"
            )


def _spread(part: Split, count: int) -> Split:
    """At most so many images, evenly from the whole part."""
    if count >= len(part):
        return part
    places = [k * len(part) // count for k in range(count)]
    return Split(images=part.images[places], labels=part.labels[places])


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: file_hash(path) for path in sorted(folder.iterdir())}
