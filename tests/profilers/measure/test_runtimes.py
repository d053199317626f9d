"""Runtimes by name."""

from pathlib import Path

import pytest

from splitsearch.profilers.measure.agent import OnnxRuntime, Runtime
from splitsearch.profilers.measure.plan import Item, Slice
from splitsearch.profilers.measure.runtimes import RUNTIMES, RuntimeOptions, make_runtime, needs_onnx
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.variants.variants import Variants


def test_what_is_registered() -> None:
    assert sorted(RUNTIMES) == ["compile", "eager", "onnxruntime", "tensorrt"]
    assert [name for name in sorted(RUNTIMES) if needs_onnx(name)] == ["onnxruntime", "tensorrt"]


@pytest.mark.parametrize("name", ["eager", "onnxruntime"])
def test_every_runtime_says_what_it_is(name: str, tmp_path: Path) -> None:
    runtime = make_runtime(RuntimeOptions(name=name), tmp_path, {})
    told = runtime.describe()
    assert told["name"] == name
    assert told["version"]
    assert (told["threads"], told["dtype"]) == (1, "float32")


def test_an_eager_network_is_timed_by_both_clocks(variants: Variants, tmp_path: Path) -> None:
    item = Item(name="x", pieces=(Slice(graph=variants.graph, start=None, end=None),))
    runtime: Runtime = make_runtime(RuntimeOptions(name="eager"), tmp_path, {"x": item})
    session = runtime.load({"name": "x"})
    session.run()
    wall, own = session.timed()
    assert wall is not None
    assert own is not None
    assert 0 < own <= wall * 1.5


def test_short_names_of_providers() -> None:
    runtime = make_runtime(RuntimeOptions(provider="cpu"), Path(), {})
    assert isinstance(runtime, OnnxRuntime)
    assert runtime.provider == "CPUExecutionProvider"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"name": "onnx"}, "unknown runtime 'onnx'; did you mean 'onnxruntime'"),
        ({"name": "onnxruntime", "provider": "rocm"}, "the provider rocm is not installed; there are: "),
        ({"name": "onnxruntime", "dtype": "float16"}, "float16 needs TensorrtExecutionProvider"),
        ({"name": "eager", "provider": "tpu"}, "--provider of eager is cpu or cuda, not tpu"),
        ({"name": "eager", "dtype": "float16"}, "--dtype float16 needs --provider cuda"),
        ({"name": "tensorrt"}, "TensorRT is not installed"),
        ({"dtype": "int8"}, "--dtype must be float32 or float16, not 'int8'"),
        ({"threads": 0}, "--threads must be at least 1, not 0"),
    ],
)
def test_what_this_machine_lacks_is_one_line(options: dict[str, object], line: str) -> None:
    with pytest.raises(UserError, match=line) as caught:
        make_runtime(RuntimeOptions(**options), Path(), {})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
