"""ONNX Runtime's profile, of a real session and of files that are none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splitsearch.profilers.measure.ort_profile import from_ort_profile
from splitsearch.spaces.errors import UserError


def event(name: str, op: str, ins: list[list[int]], outs: list[list[int]], dur: float) -> dict[str, Any]:
    shapes = {"input_type_shape": [{"float": s} for s in ins], "output_type_shape": [{"float": s} for s in outs]}
    return {
        "cat": "Node",
        "name": f"{name}_kernel_time",
        "dur": dur,
        "args": {"op_name": op, "node_index": "1"} | shapes,
    }


def write(path: Path, events: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps([{"cat": "Session", "name": "model_run", "dur": 9, "args": {}}, *events]))
    return path


def test_shapes_alone_tell_strides_groups_and_adds(tmp_path: Path) -> None:
    events = [
        event("a", "Conv", [[1, 3, 32, 32], [16, 3, 3, 3]], [[1, 16, 16, 16]], 40),
        event("b", "Conv", [[1, 16, 16, 16], [16, 1, 3, 3]], [[1, 16, 16, 16]], 10),
        event("c", "Conv", [[1, 16, 16, 16], [16, 16, 1, 1], [1, 16, 16, 16]], [[1, 16, 16, 16]], 20),
        event("d", "ReorderOutput", [[1, 16, 16, 16]], [[1, 12, 16, 16]], 5),
        event("e", "Gemm", [[1, 12], [12, 10]], [[1, 10]], 3),
        event("f", "Concat", [[1, 16, 4, 4], [1, 32, 4, 4]], [[1, 48, 4, 4]], 2),
    ]
    stem, depthwise, residual, reorder, linear, concat = from_ort_profile(write(tmp_path / "p.json", events), where="n")
    assert (stem.kind, stem.stride, stem.window, stem.groups, stem.macs) == ("convolution", 2, (3, 3), 1, 16 * 256 * 27)
    assert (depthwise.groups, depthwise.macs) == (16, 16 * 256 * 9)
    assert residual.fused == ("add",)
    assert residual.inputs == 2 * 16 * 256
    assert (reorder.kind, reorder.fused) == ("copy", ("reorder",))
    assert (linear.kind, linear.in_channels, linear.out_channels, linear.macs) == ("linear", 12, 10, 120)
    assert (concat.in_channels, concat.out_channels) == (48, 48)
    assert (stem.ms, stem.n, stem.where) == (0.04, 1, "n")


def test_the_first_runs_and_disturbed_ones_do_not_count(tmp_path: Path) -> None:
    runs = [900, 500, 40, 41, 42, 43, 4000, 4000]
    events = [event("a", "Relu", [[1, 3, 8, 8]], [[1, 3, 8, 8]], dur) for dur in runs]
    (kernel,) = from_ort_profile(write(tmp_path / "p.json", events), where="n")
    assert (kernel.ms, kernel.n) == (pytest.approx(0.04125), 6)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("{", "is no profile of ONNX Runtime"),
        ('{"a": 1}', "it should hold a list of events"),
        ("[]", "holds no kernels: was the session run"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, line: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(UserError, match=line):
        from_ort_profile(path, where="n")
    with pytest.raises(UserError, match="is no profile"):
        from_ort_profile(tmp_path / "absent.json", where="n")


def test_a_session_of_this_machine(tmp_path: Path) -> None:
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    make, rng = onnx.helper, np.random.default_rng(0)
    weights = {
        "w1": rng.standard_normal((16, 3, 3, 3)), "w2": rng.standard_normal((16, 1, 5, 5)),
        "w3": rng.standard_normal((32, 16, 1, 1)),
    }  # fmt: skip
    nodes = [
        make.make_node("Conv", ["x", "w1"], ["a"], name="first", strides=[2, 2], pads=[1, 1, 1, 1]),
        make.make_node("HardSigmoid", ["a"], ["b"], name="gate", alpha=1 / 6, beta=0.5),
        make.make_node("Conv", ["b", "w2"], ["c"], name="second", group=16, pads=[2, 2, 2, 2]),
        make.make_node("Conv", ["c", "w3"], ["d"], name="third"),
        make.make_node("Relu", ["d"], ["y"], name="last"),
    ]
    tensors = [onnx.numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
    ends = [make.make_tensor_value_info(n, 1, s) for n, s in (("x", [1, 3, 32, 32]), ("y", [1, 32, 16, 16]))]
    graph = make.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=9)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.enable_profiling = 1, True
    options.profile_file_prefix, options.log_severity_level = str(tmp_path / "profile"), 4
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    for _ in range(5):
        session.run(None, {"x": np.ones((1, 3, 32, 32), np.float32)})
    found = from_ort_profile(Path(session.end_profiling()), tmp_path / "optimised.onnx", where="tiny")
    first, second, third = (kernel for kernel in found if kernel.kind == "convolution")
    assert (first.stride, first.window, first.fused) == (2, (3, 3), ("hardsigmoid",))
    assert (second.groups, second.window, second.stride) == (16, (5, 5), 1)
    assert (third.fused, third.out_channels, third.out_size) == (("relu",), 32, (16, 16))
    assert all(kernel.n == 5 - (0 if kernel.n == 5 else 2) and kernel.ms >= 0 for kernel in found)
