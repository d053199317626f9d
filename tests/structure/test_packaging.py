"""What is in the tree is in the package: a folder missing from the list works editable and is absent from the wheel."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
FOLDERS = ("configs", "profilers", "searcher", "spaces")
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def package(folder: Path) -> str:
    parts = folder.relative_to(ROOT).parts
    return "splitsearch" if parts == ("searcher", "_root") else ".".join(("splitsearch", *parts))


def shipped() -> list[Path]:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in files if "__pycache__" not in path.parts]


def test_every_folder_is_a_package() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted({package(path.parent) for path in shipped()})


def test_every_data_file_is_shipped() -> None:
    patterns = SETUPTOOLS["package-data"]
    for path in shipped():
        if path.suffix != ".py":
            assert any(path.match(pattern) for pattern in patterns.get(package(path.parent), [])), path


@pytest.mark.slow
def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".view", "build", "runs", "*.egg-info"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    for path in shipped():
        assert f"{package(path.parent).replace('.', '/')}/{path.name}" in names, path
