"""The two files of trtexec, in the forms of TensorRT 8.2 and 8.6."""

import json
from pathlib import Path
from typing import Any

import pytest

from splitsearch.profilers.measure.trtexec import from_trtexec
from splitsearch.spaces.errors import UserError

PROFILE: list[dict[str, Any]] = [
    {"count": 100},
    {"name": "Reformatting CopyNode for Input Tensor 0 to /conv1/Conv", "timeMs": 0, "averageMs": 0, "percentage": 0},
    {"name": "/conv1/Conv + /relu/Relu", "timeMs": 20.0, "averageMs": 0.2, "medianMs": 0.19, "percentage": 60},
    {"name": "/layer1/conv2/Conv + /layer1/Add", "timeMs": 10.0, "averageMs": 0.1, "percentage": 30},
    {"name": "/avgpool/GlobalAveragePool", "timeMs": 1.0, "averageMs": 0.01, "percentage": 3},
    {"name": "/fc/Gemm", "timeMs": 2.0, "averageMs": 0.02, "percentage": 7},
]


def tensor(*sizes: int) -> dict[str, Any]:
    return {"Name": "t", "Dimensions": list(sizes), "Format/Datatype": "Row major linear FP32"}


LAYERS = {
    "Layers": [
        {
            "Name": "/conv1/Conv + /relu/Relu", "LayerType": "CaskConvolution", "ParameterType": "Convolution",
            "Inputs": [tensor(1, 3, 224, 224)], "Outputs": [tensor(1, 64, 112, 112)], "Kernel": [7, 7],
            "Stride": [2, 2], "Groups": 1, "OutMaps": 64, "Weights": {"Type": "Float", "Count": 9408},
            "Bias": {"Type": "Float", "Count": 64}, "Activation": "RELU",
        },
        {
            "Name": "/layer1/conv2/Conv + /layer1/Add", "LayerType": "CaskConvolution", "ParameterType": "Convolution",
            "Inputs": [tensor(-1, 64, 56, 56), tensor(1, 64, 56, 56)], "Outputs": [tensor(1, 64, 56, 56)],
            "Kernel": [1, 1], "Stride": [1, 1], "Groups": 64, "Weights": {"Count": 64}, "Activation": "NONE",
        },
        {
            "Name": "/avgpool/GlobalAveragePool", "LayerType": "CaskPooling", "ParameterType": "Pooling",
            "Inputs": [tensor(1, 64, 7, 7)], "Outputs": [tensor(1, 64, 1, 1)], "WindowSize": [7, 7], "Stride": [1, 1],
        },
        "a name alone, as without detailed verbosity",
    ]
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "profile.json", tmp_path / "layers.json"
    paths[0].write_text(json.dumps(PROFILE))
    paths[1].write_text(json.dumps(LAYERS))
    return paths


def test_layers_with_their_shapes(files: tuple[Path, Path]) -> None:
    first, second, pool, linear = from_trtexec(*files, where="resnet18 224")
    assert (first.kind, first.fused, first.window, first.stride) == ("convolution", ("relu",), (7, 7), 2)
    assert (first.in_channels, first.out_channels, first.out_size) == (3, 64, (112, 112))
    assert first.macs == 64 * 112 * 112 * 3 * 49
    assert (first.ms, first.n, first.where) == (0.19, 100, "resnet18 224")
    assert (second.groups, second.fused, second.macs) == (64, ("add",), 64 * 56 * 56)
    assert second.ms == 0.1, "older releases write no median"
    assert (pool.kind, pool.window) == ("pool", (7, 7))
    assert (linear.kind, linear.macs) == ("linear", 0)


def test_names_alone_keep_their_kind(files: tuple[Path, Path]) -> None:
    found = from_trtexec(files[0], where="n")
    assert [kernel.kind for kernel in found] == ["convolution", "convolution", "pool", "linear"]
    assert all(kernel.macs == 0 for kernel in found)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("[", "cannot be read as JSON"),
        ("{}", "is no profile of trtexec"),
        ('[{"count": 3}]', "holds no layers that took time"),
        ('[{"name": "conv", "averageMs": "fast"}]', "the layer 'conv' has no milliseconds"),
        ('[{"name": "conv", "averageMs": NaN}]', "the layer 'conv' has no milliseconds"),
    ],
)
def test_other_files_are_refused(files: tuple[Path, Path], content: str, line: str) -> None:
    files[0].write_text(content)
    with pytest.raises(UserError, match=line):
        from_trtexec(*files, where="n")


def test_other_layer_files_are_refused(files: tuple[Path, Path]) -> None:
    files[1].write_text("[]")
    with pytest.raises(UserError, match="under 'Layers'"):
        from_trtexec(*files, where="n")
