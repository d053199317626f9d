"""What another machine is given."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from torch import nn

from splitsearch.profilers.measure import jobs as jobs_module
from splitsearch.profilers.measure.jobs import read_jobs, write_jobs
from splitsearch.spaces.errors import UserError


def test_every_item_has_a_network_that_runs(jobs_folder: Path) -> None:
    import onnxruntime

    folder, jobs = read_jobs(jobs_folder)
    assert folder == jobs_folder
    shapes: dict[str, tuple[Any, Any]] = {}
    for item in jobs["items"]:
        session = onnxruntime.InferenceSession(str(folder / item["model"]), providers=["CPUExecutionProvider"])
        (entry,), (leave,) = session.get_inputs(), session.get_outputs()
        result = session.run(None, {entry.name: np.zeros(entry.shape, np.float32)})[0]
        assert np.isfinite(result).all()
        shapes[item["name"]] = (entry.shape[1:], leave.shape[1:])
    (backbone,) = jobs["backbones"]
    assert shapes[backbone["whole"]] == ([3, 32, 32], [10])
    for cut in backbone["cuts"][:-1]:
        assert shapes[cut["head"]] == ([3, 32, 32], cut["shape"])
        assert shapes[cut["tail"]] == (cut["shape"], [10])


def test_weights_are_not_copied_into_every_network(jobs_folder: Path) -> None:
    for file in jobs_folder.glob("*.onnx"):
        model = onnx.load(str(file), load_external_data=False)
        assert all(len(weight.raw_data) <= 1024 for weight in model.graph.initializer), file
        assert any(weight.external_data for weight in model.graph.initializer), file
    assert sorted(file.name for file in jobs_folder.glob("*.data")) == ["blocks0.onnx.data", "weights0.onnx.data"]
    assert not (jobs_folder / "blocks0.onnx").exists()


def test_parts_come_with_their_kernels_and_operators(jobs_folder: Path) -> None:
    _, jobs = read_jobs(jobs_folder / "jobs.json")
    parts = [item for item in jobs["items"] if "kernels" in item]
    assert parts
    for item in jobs["items"]:
        assert all(len(operator) == 2 for operator in item["operators"])
        assert item["operators"]
    for part in parts:
        assert set(part["kernels"]) == {"onnxruntime", "tensorrt"}
        assert part["kernels"]["onnxruntime"]
        assert (part["site"] is None) == (part["config"] is None)


def deep(layers: int) -> tuple[nn.Module, tuple[int, ...]]:
    return nn.Sequential(*(nn.Identity() for _ in range(layers))), (3, 8, 8)


def test_exports_hold_few_blocks_and_few_layers() -> None:
    """The exporter's time grows with the square of what it is given at once."""
    sizes = [250, 250, 100, 1000, 10, *[1] * 20]
    groups = jobs_module._groups({f"{place}": deep(size) for place, size in enumerate(sizes)})
    assert [list(group) for group in groups[:3]] == [["0"], ["1", "2"], ["3"]]
    assert [len(group) for group in groups[3:]] == [16, 5]
    assert [name for group in groups for name in group] == [f"{place}" for place in range(len(sizes))]


def test_what_runs_before_packing_is_of_moderate_size(jobs_folder: Path) -> None:
    _, jobs = read_jobs(jobs_folder)
    macs = [sum(operator[0] for operator in item["operators"]) for item in jobs["items"]]
    assert 0 < macs[jobs["codec"]["network"]] < macs[0]


@pytest.mark.parametrize(
    ("content", "line"),
    [("{", "not valid JSON"), ('{"schema": 2}', "the field 'schema' is 2: it should be 1"), ("[]", "is None")],
)
def test_other_files_are_refused(content: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.json").write_text(content)
    with pytest.raises(UserError, match=line):
        read_jobs(tmp_path)


def test_a_folder_without_jobs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_jobs(tmp_path)


def test_jobs_are_written_whole(tmp_path: Path) -> None:
    write_jobs(tmp_path / "new", {"schema": 1, "id": "x"})
    assert json.loads((tmp_path / "new" / "jobs.json").read_text()) == {"schema": 1, "id": "x"}
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["jobs.json"]
