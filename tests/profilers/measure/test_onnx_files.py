"""What ONNX Runtime computes of the parts is what torch computes of them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from splitsearch.profilers.measure.onnx_files import IMAGE, OnnxParts, crossing, export_blocks, export_cuts, join, save
from splitsearch.spaces.backbones.loading import fresh_module
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.cuts import find_cuts, split_at
from splitsearch.spaces.graph.trace import TracedGraph, trace
from splitsearch.spaces.variants.variants import Recipe, Variants


def run(model: Any, folder: Path, x: torch.Tensor) -> NDArray[np.float32]:
    import onnxruntime

    path = folder / "part.onnx"
    save(model, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    result: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    return result


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("inplace", [False, True])
def test_heads_and_tails_are_those_of_torch(
    inplace: bool, network: nn.Module, image: torch.Tensor, tmp_path: Path
) -> None:
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = inplace
    graph = trace(network, 32)
    cuts = find_cuts(graph, "blocks")
    parts = export_cuts(graph, cuts, tmp_path, "net")
    with torch.no_grad():
        for cut in cuts[:-1]:
            head, tail = split_at(graph, cut)
            between = head(image)
            there = crossing(cut.node)
            assert np.allclose(run(parts.take(IMAGE, there), tmp_path, image), between, atol=1e-5)
            logits = run(parts.take(there, crossing(graph.output.name)), tmp_path, between)
            assert np.allclose(logits, tail(between), atol=1e-5)
        whole = parts.take(IMAGE, crossing(graph.output.name))
        assert np.allclose(run(whole, tmp_path, image), network(image), atol=1e-5)
    kept = [module.inplace for module in network.modules() if isinstance(module, nn.ReLU)]
    assert kept == [inplace] * len(kept), "the caller's network is as it was"


def test_results_that_nobody_reads_do_not_stand_in_the_way(tmp_path: Path) -> None:
    """Two nodes of which the last result alone is read, as chunks of a tensor are."""
    value, make = onnx.helper.make_tensor_value_info, onnx.helper.make_node
    nodes = [
        make("Split", ["x"], ["", "a"], axis=1, num_outputs=2),
        make("Split", ["a"], ["", "b"], axis=1, num_outputs=2),
        make("Neg", ["b"], ["y"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(nodes, "g", [value("x", kind, [1, 4])], [value("y", kind, [1, 1])])
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9),
        tmp_path / "g.onnx",
    )
    part = OnnxParts(tmp_path / "g.onnx").take("x", "y")
    assert run(part, tmp_path, torch.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist() == [[-4.0]]


def test_where_layers_were_taken_out_names_are_still_of_one_tensor_each(tmp_path: Path) -> None:
    variants = Variants.trace("resnet18", fresh_module("resnet18"), 32)
    graph = variants.get(Recipe(image_size=32, depth=0.5))
    for cut in find_cuts(graph, "blocks")[:-1]:
        export_cuts(graph, [cut, find_cuts(graph, "all")[-1]], tmp_path, "net").take(IMAGE, crossing(cut.node))


def test_parts_share_one_file_of_weights(graph: TracedGraph, tmp_path: Path) -> None:
    parts = export_cuts(graph, find_cuts(graph, "blocks"), tmp_path, "net")
    head = parts.take(IMAGE, crossing(find_cuts(graph, "blocks")[1].node))
    places = {
        entry.value for weight in head.graph.initializer for entry in weight.external_data if entry.key == "location"
    }
    assert places == {"net.onnx.data"}
    assert {node.op_type for node in head.graph.node} == {"Conv", "Relu"}, "norms are folded, tails are left out"


def test_blocks_are_exported_together_and_taken_alone(image: torch.Tensor, tmp_path: Path) -> None:
    first = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    second = nn.Conv2d(4, 2, 1).eval()
    parts = export_blocks({"a b": (first, (3, 32, 32)), "c": (second, (4, 30, 30))}, tmp_path, "blocks")
    with torch.no_grad():
        between, after = first(image), second(first(image))
    assert np.allclose(run(parts.take("a b in", "a b out"), tmp_path, image), between, atol=1e-5)
    both = join(parts.take("a b in", "a b out"), parts.take("c in", "c out"))
    assert np.allclose(run(both, tmp_path, image), after, atol=1e-5)
    assert len(both.graph.input) == len(both.graph.output) == 1
    onnx.checker.check_model(str(tmp_path / "part.onnx"))


def test_norms_of_transformers_are_cut_too(tmp_path: Path) -> None:
    """Their mean and spread are outputs that have no names."""
    block = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.LayerNorm(4)).eval()
    parts = export_blocks({"a": (block, (3, 4)), "b": (block, (3, 4))}, tmp_path, "norms")
    x = torch.randn(1, 3, 4)
    with torch.no_grad():
        assert np.allclose(run(parts.take("b in", "b out"), tmp_path, x), block(x), atol=1e-5)


def test_what_onnx_cannot_express_is_one_line(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x  # depends on a value

    with pytest.raises(UserError, match="ONNX cannot express odd: ") as caught:
        export_blocks({"odd": (Odd(), (3, 4, 4))}, tmp_path, "odd")
    assert "\n" not in str(caught.value)
