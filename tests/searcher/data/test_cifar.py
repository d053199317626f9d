"""CIFAR from torchvision's files, with a network and without."""

import hashlib
import pickle
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, CIFAR100

from splitsearch.searcher.data import cifar
from splitsearch.searcher.data.registry import open_pair
from splitsearch.spaces.errors import UserError


def write(path: Path, content: dict[str, Any]) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(content))
    return hashlib.md5(path.read_bytes()).hexdigest()


def fake(kind: Any, key: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes six images in torchvision's layout and has torchvision expect their checksums."""
    data = np.arange(6 * 3072).reshape(6, 3072).astype(np.uint8)
    folder = root / kind.base_folder
    lists = {
        name: [[name, write(folder / name, {"data": data, key: [0, 1, 2, 0, 1, 2]})]] for name in ("some", "others")
    }
    monkeypatch.setattr(kind, "train_list", lists["some"])
    monkeypatch.setattr(kind, "test_list", lists["others"])
    meta = {**kind.meta, "md5": write(folder / kind.meta["filename"], {kind.meta["key"]: ["a", "b", "c"]})}
    monkeypatch.setattr(kind, "meta", meta)


@pytest.mark.parametrize(
    ("name", "kind", "key"), [("cifar10", CIFAR10, "labels"), ("cifar100", CIFAR100, "fine_labels")]
)
def test_torchvisions_files_are_read(
    name: str, kind: Any, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(kind, key, tmp_path, monkeypatch)
    pair = open_pair(name, tmp_path)
    assert pair.val is not None
    assert (len(pair.train), len(pair.val), pair.default_size, pair.classes) == (6, 6, 32, ("a", "b", "c"))
    assert pair.train.labels().tolist() == [0, 1, 2, 0, 1, 2]
    assert pair.train.image(1)[0, 0].tolist() == [3072 % 256, 4096 % 256, 5120 % 256]
    assert "test images" in pair.notes[0]


@pytest.mark.parametrize(("name", "place"), [("cifar10", "cifar-10-batches-py"), ("cifar100", "cifar-100-python")])
def test_without_a_network_the_message_says_where_the_files_should_lie(
    name: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(UserError, match=f"cannot be reached: .*{place}") as error:
        open_pair(name, tmp_path)
    assert "\n" not in str(error.value)


def test_a_failed_download_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise URLError("connection lost")

    monkeypatch.setattr(cifar, "_reachable", lambda _: True)
    monkeypatch.setattr(CIFAR10, "download", fail)
    with pytest.raises(UserError, match="connection lost"):
        open_pair("cifar10", tmp_path)


def test_an_absent_set_is_downloaded_and_stdout_stays_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(_: Any) -> None:
        print("downloading")
        fake(CIFAR10, "labels", tmp_path, monkeypatch)

    monkeypatch.setattr(cifar, "_reachable", lambda _: True)
    monkeypatch.setattr(CIFAR10, "download", download)
    assert len(open_pair("cifar10", tmp_path).train) == 6
    assert capsys.readouterr().out == ""


def test_a_missing_data_dir_is_asked_for() -> None:
    with pytest.raises(UserError, match="needs --data-dir DIR"):
        open_pair("cifar10", None)
