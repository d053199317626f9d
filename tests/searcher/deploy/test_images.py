"""Which images an exported model is evaluated on."""

from pathlib import Path

import numpy as np
import pytest

from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.images import evaluation_images
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.spaces.errors import UserError


def archive(path: Path, classes: int, **more: np.ndarray) -> str:  # type: ignore[type-arg]
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(40) % classes
    np.savez(path, train_images=images, train_labels=labels, val_images=images[:20], val_labels=labels[:20], **more)
    return f"npz:{path}"


def test_validation_and_test_part(exported: ExportFolder, tmp_path: Path) -> None:
    own = tmp_path / "exported"
    assert not own.exists()
    from dataclasses import replace

    export = replace(exported, manifest=exported.manifest.model_copy(update={"classes": tuple("0123456789")}))
    spec = archive(tmp_path / "a.npz", 10)
    name, validation, test = evaluation_images(export, spec, None, SilentReporter())
    assert (name, len(validation), test) == (spec, 20, None)
    more = {"test_images": np.full((7, 32, 32, 3), 9, dtype=np.uint8), "test_labels": np.arange(7)}
    _, validation, test = evaluation_images(export, archive(tmp_path / "b.npz", 10, **more), None, SilentReporter())
    assert test is not None
    assert (len(validation), len(test), test.images.unique().tolist()) == (20, 7, [9])


def test_another_data_set_is_refused(exported: ExportFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has other classes: 3 \(0, 1, 2\); this model knows 10 \(a, b, c, …\)"):
        evaluation_images(exported, archive(tmp_path / "a.npz", 3), None, SilentReporter())


def test_the_data_set_of_the_run_is_the_usual_one(exported: ExportFolder) -> None:
    with pytest.raises(UserError, match="the data set digits has other classes"):
        evaluation_images(exported, None, None, SilentReporter())
