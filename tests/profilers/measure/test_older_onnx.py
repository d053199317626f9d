"""Networks for old runtimes compute what they computed."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from splitsearch.profilers.measure.older_onnx import OLDEST, OPSET, lower
from splitsearch.profilers.measure.onnx_files import export_blocks
from splitsearch.spaces.errors import UserError


class Everyday(nn.Module):
    """What convolutional networks are made of, gates and pooling included."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Hardswish(), nn.MaxPool2d(2))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Hardsigmoid())
        self.rest = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.SiLU(), nn.AvgPool2d(2), nn.ReLU6())
        self.grow = nn.Upsample((8, 8), mode="bilinear", align_corners=False)
        self.classify = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = self.rest(x * self.gate(x))
        first, second = self.grow(x).chunk(2, dim=1)
        x = torch.cat([first, second, first + second, first - second], dim=1)
        return torch.softmax(self.classify(x.mean((2, 3)).reshape(-1, 4, 4).flatten(1)), dim=1)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Any, Path]:
    torch.manual_seed(0)
    folder, module = tmp_path_factory.mktemp("onnx"), Everyday().eval()
    return module, export_blocks({"net": (module, (3, 32, 32))}, folder, "net").take("net in", "net out"), folder


@pytest.mark.parametrize("opset", [13, 14, 16, 17, 18])
def test_every_set_computes_the_same(opset: int, network: tuple[nn.Module, Any, Path]) -> None:
    import onnxruntime

    module, model, folder = network
    old = onnx.ModelProto()
    old.CopyFrom(model)
    lower(old, opset)
    path = folder / f"{opset}.onnx"
    path.write_bytes(old.SerializeToString())
    onnx.checker.check_model(str(path))
    assert [(entry.domain, entry.version) for entry in old.opset_import] == [("", opset)]
    assert old.ir_version <= 8
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = module(x).numpy()
    assert np.allclose(session.run(None, {"net in": x.numpy()})[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("node", "opset", "line"),
    [
        (
            helper.make_node("LayerNormalization", ["x", "s"], ["y"]),
            16,
            "set 16 has no LayerNorm.*--opset 17",
        ),
        (
            helper.make_node("Odd", ["x"], ["y"], name="odd"),
            13,
            "no Odd as the node 'odd' uses it: .*--opset 18",
        ),
        (helper.make_node("Reshape", ["x", "s"], ["y"], allowzero=1), 13, "no allowzero = 1 of Reshape"),
        (
            helper.make_node("ReduceMean", ["x", "unknown"], ["y"], name="mean"),
            13,
            "axes of the ReduceMean 'mean'",
        ),
    ],
)
def test_what_an_old_set_cannot_say_is_one_line(node: Any, opset: int, line: str) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    model = helper.make_model(helper.make_graph([node], "g", [value], [value]))
    with pytest.raises(UserError, match=line):
        lower(model, opset)


@pytest.mark.parametrize("opset", [OLDEST - 1, OPSET + 1])
def test_sets_beyond_the_range(opset: int) -> None:
    with pytest.raises(UserError, match=f"--opset must be from 13 to 18, not {opset}"):
        lower(onnx.ModelProto(), opset)
