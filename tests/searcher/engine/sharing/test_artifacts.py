"""Files through a store, whole or not at all."""

from pathlib import Path

import optuna
import pytest

from splitsearch.searcher.engine.sharing.artifacts import Artifacts, open_artifacts
from splitsearch.spaces.errors import UserError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"weights")
    (folder / "deep" / "b.json").write_text("{}")
    return folder


def travel(artifacts: Artifacts, files: Path, tmp_path: Path) -> None:
    study = optuna.create_study()
    parcel = artifacts.put(study, files, [files / "a.bin", files / "deep" / "b.json"])
    there = tmp_path / "there"
    assert artifacts.fetch(parcel, there)
    assert (there / "a.bin").read_bytes() == b"weights"
    assert (there / "deep" / "b.json").read_text() == "{}"
    artifacts.drop(parcel)
    artifacts.drop(parcel)
    assert artifacts.fetch(parcel, there)  # what is there already is not fetched
    assert not artifacts.fetch(parcel, tmp_path / "elsewhere")


def test_a_folder(files: Path, tmp_path: Path) -> None:
    travel(open_artifacts(str(tmp_path / "store")), files, tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # botocore's own
def test_a_bucket(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boto3, moto = pytest.importorskip("boto3"), pytest.importorskip("moto")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        travel(open_artifacts("s3://bucket"), files, tmp_path)


def test_what_was_altered_is_not_there(files: Path, tmp_path: Path) -> None:
    artifacts = open_artifacts(str(tmp_path / "store"))
    parcel = artifacts.put(optuna.create_study(), files, [files / "a.bin"])
    (tmp_path / "store" / parcel["a.bin"]["id"]).write_bytes(b"weight")
    assert not artifacts.fetch(parcel, tmp_path / "there")
    assert not any((tmp_path / "there").iterdir())


def test_places_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be made"):
        open_artifacts(str(tmp_path / "file"))
    with pytest.raises(UserError, match="without a path"):
        open_artifacts("s3://bucket/path")
