"""PyTorch as a runtime."""

import json
from pathlib import Path

import pytest
import torch

from splitsearch.profilers.devices.measured import MeasuredKernel
from splitsearch.profilers.heap import ShiftingHeap
from splitsearch.profilers.measure import torch_runtimes
from splitsearch.profilers.measure.agent import Refusal
from splitsearch.profilers.measure.plan import Item, Slice
from splitsearch.profilers.measure.torch_runtimes import TorchRuntime
from splitsearch.spaces.variants.variants import Variants


@pytest.fixture
def item(variants: Variants) -> Item:
    return Item(name="x", pieces=(Slice(graph=variants.graph, start=None, end=None),))


def runtime(item: Item, name: str = "eager", provider: str = "cpu", threads: int = 1) -> TorchRuntime:
    return TorchRuntime({"x": item}, name=name, provider=provider, threads=threads, dtype="float32")


def test_a_session_runs_the_network(item: Item) -> None:
    result = runtime(item).load({"name": "x"}).run()
    assert result.shape == (1, 10)
    assert not result.requires_grad


def test_where_memory_stays_is_noted(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    for kept, options in ((True, {"freed_memory": "kept"}), (False, {})):
        monkeypatch.setattr(torch_runtimes, "keep_freed_memory", lambda kept=kept: kept)
        assert runtime(item).describe()["options"] == options


def test_every_visit_finds_another_layout_of_the_heap(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    shifts: list[ShiftingHeap] = []

    def shift(heap: ShiftingHeap) -> None:
        shifts.append(heap)

    monkeypatch.setattr(ShiftingHeap, "shift", shift)
    found = runtime(item)
    for _ in range(2):
        session = found.load({"name": "x"})
        session.begin()
        session.run()
    assert len(shifts) == 2
    assert shifts[0] is shifts[1], "or the blocks of networks that stay loaded would pile up"


def test_several_threads_have_no_clock_of_their_own(item: Item) -> None:
    before = torch.get_num_threads()
    try:
        session = runtime(item, threads=2).load({"name": "x"})
        assert torch.get_num_threads() == 2
        assert session.timed()[1] is None
    finally:
        torch.set_num_threads(before)


def test_kernels_are_written_for_the_reader(item: Item, tmp_path: Path) -> None:
    written = runtime(item).profile({"name": "x"}, 2, str(tmp_path / "kernels"))
    assert written is not None
    rows = [MeasuredKernel.model_validate_json(json.dumps(row)) for row in json.loads(Path(written).read_text())]
    assert [row.kind for row in rows].count("convolution") == 3
    assert {row.where for row in rows} == {"x"}
    assert runtime(item, name="compile").profile({"name": "x"}, 2, str(tmp_path / "none")) is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_line(item: Item) -> None:
    with pytest.raises(Refusal, match="--provider cuda: this torch sees no CUDA GPU; there is: cpu"):
        runtime(item, provider="cuda")


def test_compiling_without_a_compiler_is_one_line(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(Refusal, match="--runtime compile needs a C"):
        runtime(item, name="compile")


@pytest.mark.gpu
def test_a_gpu_is_timed_by_events(item: Item) -> None:
    session = runtime(item, provider="cuda").load({"name": "x"})
    session.run()
    wall, own = session.timed()
    assert wall is not None
    assert 0 < wall < 1e3
    assert own is None


@pytest.mark.slow
def test_a_compiled_network_computes_the_same(item: Item) -> None:
    found = runtime(item, name="compile").load({"name": "x"})
    expected = runtime(item).load({"name": "x"})
    assert torch.allclose(found.run(), expected.run(), atol=1e-5)
    assert found.timed()[0] is not None
