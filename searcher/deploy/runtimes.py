"""What runs a half: ONNX Runtime where the extra is installed, else PyTorch; both take and give named arrays."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import nn

from splitsearch.profilers.heap import keep_freed_memory
from splitsearch.searcher.deploy.crossing import Arrays
from splitsearch.searcher.deploy.halves import as_tuple
from splitsearch.spaces.errors import UserError

__all__ = ["Half", "OnnxHalf", "TorchHalf", "has_onnxruntime", "require_onnx"]


class Half(Protocol):
    """A head or a tail that runs."""

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Runs it on a batch."""
        ...


class TorchHalf:
    """A module as a half."""

    def __init__(self, module: nn.Module, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.module = module.eval()
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        keep_freed_memory()  # as where its times were measured

    @torch.no_grad()
    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Runs it on a batch."""
        results = as_tuple(self.module(*(torch.from_numpy(inputs[name]) for name in self.inputs)))
        return {name: result.numpy() for name, result in zip(self.outputs, results, strict=True)}


class OnnxHalf:
    """An ONNX file as a half."""

    def __init__(self, path: Path) -> None:
        """Opens a session on the CPU.

        Raises:
            UserError: ONNX Runtime is not installed, or cannot run the file.
        """
        require_onnx("onnxruntime")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common class but this one
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"ONNX Runtime {onnxruntime.__version__} cannot run '{path}': {reason}") from error
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())
        self.outputs = tuple(leave.name for leave in self._session.get_outputs())

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Runs it on a batch."""
        results = self._session.run(self.outputs, {name: inputs[name] for name in self.inputs})
        return dict(zip(self.outputs, results, strict=True))


def has_onnxruntime() -> bool:
    """Whether ONNX Runtime is installed."""
    return find_spec("onnxruntime") is not None


def require_onnx(*packages: str) -> None:
    """Makes sure that packages of the extra `onnx` are there.

    Raises:
        UserError: one is not; the line names the extra.
    """
    for package in packages:
        if find_spec(package) is None:
            raise UserError(
                f"ONNX needs the package {package}: pip install 'splitsearch[onnx]', or do without it: --no-onnx of "
                "export, --torch of serve, infer and evaluate"
            )
