"""What is known before the first trial."""

from pathlib import Path

import pytest

from splitsearch.searcher.ground import baselines_of, cache_of, prepare
from splitsearch.searcher.plan import check
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.searcher.settings import RunSettings
from splitsearch.spaces.errors import UserError


def settings(workplace: Path, **changes: object) -> RunSettings:
    usual: dict[str, object] = {
        "backbone": "net.py:make", "device_profile": "jetson.json", "space": "tiny.yaml", "weights": "none",
        "teacher_epochs": 0, "subset": 60, "directory": str(workplace), "cache_dir": "ground-cache", "webp": False,
    }  # fmt: skip
    return RunSettings(**(usual | changes))  # type: ignore[arg-type]


def test_everything_is_costed_and_nothing_known_is_measured_again(workplace: Path) -> None:
    ground = prepare(check(settings(workplace)), SilentReporter())
    assert len(ground.pool.profiles) + len(ground.pool.impossible) == ground.space.size
    assert len(ground.data.train.labels) == 60
    first = baselines_of(ground, {}, SilentReporter())
    known = {"baselines": [baseline.to_json() for baseline in first]}
    assert baselines_of(ground, known, SilentReporter()) == first  # encode times, too: they were not taken again


def test_a_space_without_the_backbone_s_cuts_is_refused_before_a_teacher_is_made(workplace: Path) -> None:
    (workplace / "wrong.yaml").write_text("cuts: [nowhere]\nheads: mimic\nchannels: 1\nbits: 8\n", encoding="utf-8")
    wrong = settings(workplace, space="wrong.yaml", cache_dir="no-cache")
    with pytest.raises(UserError, match="nowhere"):
        prepare(check(wrong), SilentReporter())
    assert not cache_of(wrong, SilentReporter()).folder.exists()
