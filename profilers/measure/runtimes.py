"""What can run networks on this machine, by name; one registration adds a runtime."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from splitsearch.profilers.measure.agent import OnnxRuntime, Refusal, Runtime, TensorRt
from splitsearch.profilers.measure.plan import Item
from splitsearch.profilers.measure.torch_runtimes import TorchRuntime
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.registry import Registry

__all__ = ["RUNTIMES", "RuntimeOptions", "make_runtime", "needs_onnx"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """How a runtime is to run.

    Attributes:
        name: of the runtime.
        provider: where it computes; None for the processor.
        threads: of one operator.
        dtype: number format.
    """

    name: str = "onnxruntime"
    provider: str | None = None
    threads: int = 1
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise UserError(f"--threads must be at least 1, not {self.threads}")
        if self.dtype not in ("float32", "float16"):
            raise UserError(f"--dtype must be float32 or float16, not '{self.dtype}'")


Maker = Callable[[RuntimeOptions, Path, Mapping[str, Item]], Runtime]
"""Options, folder with ONNX files, and items by name to a runtime."""

RUNTIMES: Registry[Maker] = Registry("runtime")

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}


@RUNTIMES.register("eager")
def _eager(options: RuntimeOptions, folder: Path, items: Mapping[str, Item]) -> Runtime:
    return _torch(options, items)


@RUNTIMES.register("compile")
def _compile(options: RuntimeOptions, folder: Path, items: Mapping[str, Item]) -> Runtime:
    return _torch(options, items)


@RUNTIMES.register("onnxruntime")
def _onnxruntime(options: RuntimeOptions, folder: Path, items: Mapping[str, Item]) -> Runtime:
    provider = options.provider or "cpu"
    return OnnxRuntime(str(folder), _PROVIDERS.get(provider, provider), options.threads, options.dtype)


@RUNTIMES.register("tensorrt")
def _tensorrt(options: RuntimeOptions, folder: Path, items: Mapping[str, Item]) -> Runtime:
    return TensorRt(str(folder), options.threads, options.dtype)


def _torch(options: RuntimeOptions, items: Mapping[str, Item]) -> Runtime:
    return TorchRuntime(
        items, name=options.name, provider=options.provider or "cpu", threads=options.threads, dtype=options.dtype
    )


def needs_onnx(name: str) -> bool:
    """Whether the runtime reads ONNX files rather than modules."""
    return name in ("onnxruntime", "tensorrt")


def make_runtime(options: RuntimeOptions, folder: Path, items: Mapping[str, Item]) -> Runtime:
    """Makes a runtime.

    Args:
        options: which, and how.
        folder: with the ONNX files that it may need; they may be written later.
        items: what it may be asked to load.

    Raises:
        UserError: there is no such runtime, or this machine lacks what it needs; the line says what there is.
    """
    try:
        return RUNTIMES.get(options.name)(options, folder, items)
    except Refusal as error:
        raise UserError(str(error)) from error
