"""Settings of a run."""

from pathlib import Path

import pytest
import yaml

from splitsearch.searcher.settings import RunSettings, dump_yaml, read_settings
from splitsearch.spaces.errors import UserError


def test_yaml_round_trip() -> None:
    settings = RunSettings(backbone="b", device_profile="d", budgets={"max_latency_ms": 5.0}, timeout=3.5)
    assert read_settings(yaml.safe_load(dump_yaml(settings.to_json()))) == settings


def test_each_machine_chooses_its_device_and_all_share_the_precision() -> None:
    own = RunSettings(backbone="resnet18", device_profile="jetson.json", device="cuda:1", amp=True).shared()
    assert "device" not in own
    assert own["amp"] is True


def test_paths_are_relative_to_the_callers_folder(tmp_path: Path) -> None:
    settings = RunSettings(backbone="b", device_profile="d", directory=str(tmp_path))
    assert settings.path("x.json") == tmp_path / "x.json"
    assert settings.path("/x.json") == Path("/x.json")


@pytest.mark.parametrize(
    "wrong",
    [
        {"trials": 0},
        {"epochs": 0},
        {"batch_size": 1},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"subset": 0},
        {"views": 0},
        {"cache_gb": -1.0},
        {"cache_gb": float("inf")},
        {"proxy_image_size": 0},
    ],
)
def test_impossible_numbers_name_their_flag(wrong: dict[str, int]) -> None:
    flag = next(iter(wrong)).replace("_", "-")
    with pytest.raises(UserError, match=f"--{flag} must be"):
        RunSettings(backbone="b", device_profile="d", **wrong)  # type: ignore[arg-type]


def test_settings_of_a_newer_release_are_refused() -> None:
    with pytest.raises(UserError, match="unknown setting 'trails'; did you mean 'trials'"):
        read_settings({"backbone": "b", "device_profile": "d", "trails": 3})
