"""The library: its names, its examples, its errors."""

import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

import splitsearch
from splitsearch.searcher import api
from splitsearch.spaces.errors import UserError

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def examples(text: str) -> str:
    """The lines of a docstring that are typed, as one program; a line with an answer is compared with it."""
    program, typed = [], ""
    for line in [*textwrap.dedent(text).splitlines(), ""]:
        content = line.strip()
        if content.startswith((">>> ", "... ")):
            if content.startswith(">>> ") and typed:
                program.append(typed)
                typed = ""
            typed += content[4:] + "\n"
        elif typed:
            program.append(f"assert repr({typed.strip()}) == {content!r}\n" if content else typed)
            typed = ""
    return "".join(program)


@pytest.fixture
def place(tmp_path: Path, finished: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished run and a cache."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(finished)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPLITSEARCH_CACHE", str(workplace / "cache"))
    return tmp_path


@pytest.mark.parametrize("function", [api.load_run, api.profile, api.cuts, api.split], ids=lambda f: f.__name__)
def test_the_examples_of_the_docstrings_run(function: Callable[..., object], place: Path) -> None:
    program = examples(inspect.getdoc(function) or "")
    assert program
    exec(program, {name: getattr(splitsearch, name) for name in splitsearch.__all__})


@pytest.mark.slow
def test_the_example_of_search_runs(place: Path) -> None:
    (place / "runs" / "mine").unlink()
    exec(examples(inspect.getdoc(api.search) or ""), {"search": splitsearch.search})
    assert (place / "runs" / "mine" / "front.json").is_file()


def test_the_programs_of_the_document_run(place: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    quick = [block for block in blocks if "splitsearch.search(" not in block]
    assert len(quick) >= 3
    names: dict[str, object] = {}
    for block in quick:
        exec(block, names)


def test_names_are_few_documented_and_listed() -> None:
    assert len(splitsearch.__all__) <= 12
    text = DOCS.read_text(encoding="utf-8")
    for name in splitsearch.__all__:
        assert name in text
        if name != "__version__":
            assert inspect.getdoc(getattr(splitsearch, name))
    assert set(dir(splitsearch)) == set(splitsearch.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        splitsearch.nothing  # noqa: B018


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, splitsearch; assert not {'torch', 'pandas', 'optuna', 'plotly'} & set(sys.modules), sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_as_tables(finished: Path) -> None:
    run = splitsearch.load_run(finished)
    assert isinstance(run.trials, pd.DataFrame)
    assert len(run.trials) == len((finished / "trials.jsonl").read_text().splitlines())
    assert set(run.trials.loc[run.trials["on_front"], "trial"]) == set(run.front["trial"])
    best = run.best("accuracy")
    assert best["accuracy"] == run.front["accuracy"].max()
    assert run.config(int(best["trial"])).cut == best["cut"]
    assert "local" in run.baselines["name"].tolist()
    assert run.verdict
    with pytest.raises(UserError, match="no finished trial 999"):
        run.config(999)


def test_a_run_writes_its_report(finished: Path, tmp_path: Path) -> None:
    assert "<!doctype html>" in splitsearch.load_run(finished).report(tmp_path / "mine.html").read_text()[:20]


def test_split_leaves_parameters_shared(network: nn.Module) -> None:
    head, tail = splitsearch.split(network, "1", image_size=32)
    images = torch.rand(3, 3, 32, 32)
    assert torch.equal(tail(head(images)), network(images))
    with torch.no_grad():
        next(network.parameters()).mul_(2)
    assert torch.equal(tail(head(images)), network(images))
    assert "1.2" in splitsearch.cuts(network, 32)["name"].tolist()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: splitsearch.search("resnet18", "jetson", trails=3), "no setting 'trails'; did you mean 'trials'"),
        (lambda: splitsearch.search("resnet18", "jetson", max_latncy_ms=3), "max_latncy_ms"),
        (lambda: splitsearch.search("resnet15", "jetson"), "did you mean 'resnet1"),
        (lambda: splitsearch.profile("resnet18", "layer2", chanels=3), "did you mean 'channels'"),
        (lambda: splitsearch.cuts("resnet18", 64, which="stage"), "did you mean 'stages'"),
        (lambda: splitsearch.load_run("nowhere"), "is no run folder"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line(call: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
