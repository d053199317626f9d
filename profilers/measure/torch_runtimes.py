"""PyTorch as a runtime, operator by operator or compiled, measured by the agent's protocol."""

import copy
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import fx, nn

from splitsearch.profilers.heap import ShiftingHeap, keep_freed_memory
from splitsearch.profilers.measure.agent import Line, Refusal, Runtime, Session
from splitsearch.profilers.measure.plan import Item

__all__ = ["TorchRuntime"]


class _CpuSession(Session):
    def __init__(self, module: nn.Module, x: torch.Tensor, heap: ShiftingHeap | None, *, alone: bool) -> None:
        self._module, self._x, self._heap = module, x, heap
        self.alone = alone

    def begin(self) -> None:
        """Maps lie elsewhere in every visit: a figure is one of many layouts of the heap, not of one."""
        if self._heap is not None:
            self._heap.shift()

    def run(self) -> Any:
        """One image."""
        # Random weights can make numbers that no trained network makes, and that processors are slow at.
        torch.set_flush_denormal(True)
        try:
            with torch.inference_mode():
                return self._module(self._x)
        finally:
            torch.set_flush_denormal(False)


class _CudaSession(_CpuSession):
    """Timed by events of the stream: what the host does meanwhile does not count."""

    def __init__(self, module: nn.Module, x: torch.Tensor) -> None:
        super().__init__(module, x, None, alone=False)
        self._start, self._end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]

    def run(self) -> Any:
        """One image, until the result is there."""
        result = super().run()
        torch.cuda.synchronize()
        return result

    def timed(self) -> list[float | None]:
        """Milliseconds between the events; no thread's own time."""
        self._start.record()
        _CpuSession.run(self)
        self._end.record()
        self._end.synchronize()
        return [self._start.elapsed_time(self._end), None]


class TorchRuntime(Runtime):
    """Networks stay in memory: heads and tails share the backbone's parameters, so that nothing has to be unloaded."""

    def __init__(self, items: Mapping[str, Item], *, name: str, provider: str, threads: int, dtype: str) -> None:
        """Takes the networks.

        Args:
            items: by name.
            name: `eager` or `compile`.
            provider: `cpu` or `cuda`.
            threads: of one operator.
            dtype: `float32`, or `float16` on a GPU.

        Raises:
            Refusal: this torch cannot.
        """
        if provider not in ("cpu", "cuda"):
            raise Refusal(f"--provider of {name} is cpu or cuda, not {provider}")
        if provider == "cuda" and not torch.cuda.is_available():
            raise Refusal("--provider cuda: this torch sees no CUDA GPU; there is: cpu")
        if name == "compile" and provider == "cpu" and not shutil.which(os.environ.get("CXX", "g++")):
            raise Refusal("--runtime compile needs a C++ compiler (g++, or the one that CXX names), and there is none")
        if dtype == "float16" and provider == "cpu":
            raise Refusal("--dtype float16 needs --provider cuda: processors compute float16 slower than float32")
        self.name, self.version, self.provider = name, torch.__version__, provider
        self.threads, self.dtype = threads, dtype
        self.accelerator = torch.cuda.get_device_name() if provider == "cuda" else None
        self._items = items
        self._made: dict[str, nn.Module] = {}
        self._heap = ShiftingHeap()
        torch.set_num_threads(threads)
        self._keeps_memory = provider == "cpu" and keep_freed_memory()

    @property
    def options(self) -> dict[str, str]:
        """Whether freed memory stays with the process, as it does where `splitsearch` runs a half in PyTorch."""
        return {"freed_memory": "kept"} if self._keeps_memory else {}

    def load(self, item: Line) -> Session:
        """The item's network, compiled if that is asked for."""
        name = item["name"]
        if name not in self._made:
            self._made[name] = self._make(self._items[name])
        draw = torch.Generator().manual_seed(0)
        x = torch.randn(1, *self._items[name].input_shape, generator=draw).to(self.provider, self._type)
        if self.provider == "cuda":
            return _CudaSession(self._made[name], x)
        return _CpuSession(self._made[name], x, self._heap, alone=self.threads == 1)

    @property
    def _type(self) -> torch.dtype:
        return torch.float16 if self.dtype == "float16" else torch.float32

    def _make(self, item: Item) -> nn.Module:
        module: nn.Module = item.graph_module
        if self.provider == "cuda":
            module = copy.deepcopy(module).to(self.provider, self._type)
        # Each graph has code of its own: compiled functions are looked up by code, and many under one slow it down.
        return cast("nn.Module", torch.compile(module, dynamic=False)) if self.name == "compile" else module

    def profile(self, item: Line, runs: int, stem: str) -> str | None:
        """Writes the kernels of an eager network, measured one by one inside it; of a compiled one none are known."""
        if self.name != "eager" or self.provider != "cpu" or self.threads != 1:
            return None
        from splitsearch.profilers.measure.eager_kernels import eager_kernels

        module: fx.GraphModule = self._items[item["name"]].graph_module
        found = eager_kernels(module, self._items[item["name"]].input_shape, runs=runs, where=item["name"])
        path = Path(f"{stem}.json")
        path.write_text(json.dumps([kernel.model_dump(mode="json") for kernel in found]), encoding="utf-8")
        return str(path)
