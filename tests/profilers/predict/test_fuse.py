"""What runtimes fuse; every family of torchvision gives sensible kernels."""

import json
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.profilers.counting.operators import operator_costs, total
from splitsearch.profilers.predict.fuse import RUNTIMES, Sequel, fusion_of, joined, kernels_of, vanishing
from splitsearch.profilers.predict.kernel import KINDS, Kernel
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.variants.variants import on_meta

FAMILIES = (
    "alexnet", "densenet121", "efficientnet_b0", "googlenet", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_large",
    "regnet_y_400mf", "resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_0", "swin_t", "vgg11_bn",
    "vit_b_32", "convnext_tiny",
)  # fmt: skip


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.conv2, self.norm2 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.norm1(self.conv1(x)))
        return self.relu(self.norm2(self.conv2(y)) + x)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_keeps_its_work(name: str) -> None:
    extra = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    module = trace(on_meta(get_model(name, weights=None, **extra)), 224).module
    macs = total(operator_costs(module, (3, 224, 224)).values()).macs
    counts = {}
    for runtime in RUNTIMES:
        kernels = kernels_of(module, (3, 224, 224), runtime)
        assert sum(kernel.macs for kernel in kernels) == macs
        assert {kernel.kind for kernel in kernels} <= set(KINDS)
        counts[runtime] = sum(kernel.fused != ("reorder",) for kernel in kernels)
    assert counts["tensorrt"] <= counts["onnxruntime"] <= counts["eager"]
    assert counts["compile"] <= counts["eager"]


def test_a_block_of_eight_operators_is_two_launches() -> None:
    first, second = kernels_of(Block().eval(), (16, 8, 8), "tensorrt")
    assert first.fused == ("batchnorm", "relu")
    assert second.fused == ("batchnorm", "add", "relu")
    assert second.inputs == 2 * 16 * 64, "the tensor that is added is read too"
    assert len(kernels_of(Block().eval(), (16, 8, 8), "eager")) == 7
    assert [kernel.fused for kernel in kernels_of(Block().eval(), (16, 8, 8), "compile")] == [
        (), ("batchnorm", "relu"), (), ("batchnorm", "add", "relu")
    ]  # fmt: skip


def test_channels_that_fill_no_block_fuse_less() -> None:
    module = nn.Sequential(nn.Conv2d(18, 16, 1), nn.Hardswish()).eval()
    assert [kernel.kind for kernel in kernels_of(module, (18, 8, 8), "onnxruntime")] == ["convolution", "elementwise"]


def test_a_convolution_pads_for_itself() -> None:
    module = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 4, 2, 2)).eval()
    (kernel,) = kernels_of(module, (3, 7, 7), "onnxruntime-plain")
    assert (kernel.kind, kernel.fused, kernel.out_size) == ("convolution", (), (4, 4))
    assert [kernel.kind for kernel in kernels_of(module, (3, 7, 7), "eager")] == ["copy", "convolution"]


class Single(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.cat([self.conv(x)], 1).relu()], 1)


def test_a_single_tensor_is_not_joined() -> None:
    (kernel,) = kernels_of(Single().eval(), (3, 8, 8), "tensorrt")
    assert kernel.fused == ("relu",)
    assert [kernel.kind for kernel in kernels_of(Single().eval(), (3, 8, 8), "onnxruntime")] == ["convolution", "copy"]
    assert len(kernels_of(Single().eval(), (3, 8, 8), "eager")) == 4


def test_reorders_vanish_where_parts_adjoin() -> None:
    kernel, reorder = Kernel(kind="convolution"), Kernel(kind="copy", fused=("reorder",))
    blocked, plain = Sequel(kernels=(kernel,), entry=reorder, leave=reorder), Sequel(kernels=(kernel,))
    assert vanishing(blocked, blocked)
    assert not vanishing(blocked, plain)
    assert joined((blocked, blocked)) == (reorder, kernel, kernel, reorder)
    assert joined((blocked, plain)) == (reorder, kernel, reorder, kernel)
    assert joined(()) == ()


def test_accelerators_know_no_blocks() -> None:
    assert fusion_of("onnxruntime", "CPUExecutionProvider") == "onnxruntime"
    assert fusion_of("onnxruntime", "CUDAExecutionProvider") == "onnxruntime-plain"
    assert fusion_of("onnxruntime", "TensorrtExecutionProvider") == "tensorrt"
    assert fusion_of("eager", "cuda") == "eager"


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(UserError, match=r"no rules are known for the runtime 'eagre'.*eager"):
        kernels_of(Block(), (16, 8, 8), "eagre")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121", "efficientnet_b0"])
def test_the_runtime_launches_what_is_said(name: str, tmp_path: Path) -> None:
    """ONNX Runtime's own profile, kernel by kernel; what differs may not matter."""
    runtime = pytest.importorskip("onnxruntime")
    module = get_model(name, weights=None).eval()
    with torch.no_grad():
        program = torch.onnx.export(module, (torch.zeros(1, 3, 96, 96),), dynamo=True, verbose=False)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.enable_profiling = 1, True
    options.profile_file_prefix = str(tmp_path / "profile")
    data = program.model_proto.SerializeToString()
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    session.run(None, {session.get_inputs()[0].name: torch.randn(1, 3, 96, 96).numpy()})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    ran = Counter(event["args"]["op_name"] for event in events if event["name"].endswith("_kernel_time"))
    kernels = kernels_of(trace(module, 96).module, (3, 96, 96), "onnxruntime")
    said = Counter(kernel.kind for kernel in kernels)
    assert ran["Conv"] + ran["FusedConv"] == said["convolution"]
    assert ran["Concat"] == said["concat"]
    assert abs(ran["ReorderInput"] + ran["ReorderOutput"] - said["copy"]) <= 0.1 * said["copy"] + 1
