"""What a full training is asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.fulltrain.settings import TrainSettings, read_train_settings, require_same, resolved
from splitsearch.searcher.settings import RunSettings
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError

RUN = RunSettings(backbone="net", device_profile="jetson", dataset="npz:data.npz", directory="/place", subset=9)
CONFIG = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=8, image_size=32)
PUBLISHED = {
    "naive": (20, 32), "kd": (20, 32), "hnd": (20, 32), "ghnd": (20, 64), "bottlefit": (20, 64), "cotrain": (300, 128),
}  # fmt: skip


@pytest.mark.parametrize("trainer", PUBLISHED)
def test_the_schedule_is_the_published_one_on_all_images(trainer: str) -> None:
    found = resolved({"trainer": trainer}, RUN, CONFIG, on_gpu=False)
    assert (found.epochs, found.batch_size) == PUBLISHED[trainer]
    assert (found.subset, found.views, found.amp, found.dataset) == (None, found.epochs, False, "npz:/place/data.npz")


def test_the_trainer_is_the_run_s_and_flags_win() -> None:
    found = resolved({"epochs": 2, "subset": 5, "amp": False}, replace(RUN, trainer="ghnd"), CONFIG, on_gpu=True)
    assert (found.trainer, found.epochs, found.subset, found.amp) == ("ghnd", 2, 5, False)
    assert resolved({}, RUN, CONFIG, on_gpu=True).amp


def test_every_member_of_a_division_sees_a_view_of_its_own() -> None:
    assert resolved({"epochs": 3}, RUN, replace(CONFIG, division=4), on_gpu=False).views == 12


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"trainer": "hdn"}, "unknown trainer 'hdn'; did you mean 'hnd'?"),
        ({"epochs": 0}, "--epochs must be at least 1, not 0"),
        ({"accumulate": 0}, "--accumulate must be at least 1"),
        ({"batch_size": 1}, "--batch-size must be at least 2, since norm layers train on batches, not 1"),
        ({"ema": 1.0}, "--ema must lie between 0 and 1, such as 0.999, not 1"),
        ({"ema": float("nan")}, "--ema must lie between 0 and 1"),
        ({"subset": 0}, "--subset must be at least 1"),
        ({"views": 0}, "--views must be at least 1"),
    ],
)
def test_what_is_out_of_range_is_refused(given: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line.replace("?", r"\?")):
        resolved(given, RUN, CONFIG, on_gpu=False)


def test_what_was_written_is_read_and_a_newer_field_is_named() -> None:
    settings = resolved({"ema": 0.9}, RUN, CONFIG, on_gpu=False)
    assert read_train_settings(settings.to_json(), Path("t")) == settings
    with pytest.raises(UserError, match="'t': unknown setting 'epoch'; did you mean 'epochs'"):
        read_train_settings({"epoch": 1}, Path("t"))


def test_other_flags_are_refused_with_both_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = TrainSettings(trainer="hnd", epochs=3, batch_size=8, dataset=f"npz:{tmp_path / 'd.npz'}")
    require_same({"epochs": 3, "dataset": "npz:d.npz", "data_dir": "elsewhere"}, settings)
    with pytest.raises(UserError, match="--batch-size 4 differs from the training's 8; --resume may change --device"):
        require_same({"batch_size": 4}, settings)
