"""A backbone from the user's own file, `FILE.py:FUNCTION`: whatever is wrong in there is explained in one line."""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from torch import nn

from splitsearch.spaces.backbones.backbone import Backbone, Origin, file_hash, finish
from splitsearch.spaces.backbones.weights import first_line, load_state, read_state
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["load_own", "own_module", "own_outputs"]


def load_own(name: str, classes: int, weights: str) -> Backbone:
    """Builds a backbone of the user's.

    Args:
        name: `FILE.py:FUNCTION`; the function takes nothing and returns a `torch.nn.Module`.
        classes: of the data set.
        weights: `auto` keeps those that the function gave, `none` says that they are worth nothing, else a file.

    Raises:
        UserError: the file, the function or the weights are wrong.
    """
    file, _, function = name.rpartition(":")
    path = Path(file)
    module = own_module(name)
    if weights == "default":
        raise UserError("--weights default means published weights, which a backbone of your own has not; use auto")
    source = file_hash(path) + function
    if weights not in ("auto", "none"):
        load_state(module, read_state(Path(weights)), Path(weights).name)
        source += file_hash(Path(weights))
    origin: Origin = "scratch" if weights == "none" else ("own" if weights == "auto" else "file")
    source += _tensor_hash(module) if origin == "own" else ""
    return finish(name, module, (own_outputs(module), classes), origin, source)


def own_module(name: str) -> nn.Module:
    """Calls the user's function.

    Raises:
        UserError: there is no such file or function, or it returns no network.
    """
    file, _, function = name.rpartition(":")
    path = Path(file)
    make = _function(path, function)
    try:
        module = make()
    except Exception as error:  # the user's code may raise anything: say where, in one line
        raise UserError(f"{path}:{function}() raised {type(error).__name__}: {first_line(error)}") from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{path}:{function}() must return a torch.nn.Module, not {type(module).__name__}")
    return module.eval()


def own_outputs(module: nn.Module) -> int:
    """Classes of a network of unknown make: the width of its last linear layer or convolution.

    Raises:
        UserError: it has neither.
    """
    widths = [
        layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
        for layer in module.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    if not widths:
        raise UserError(f"the backbone {type(module).__name__} has no linear layer or convolution to classify with")
    return widths[-1]


def _function(path: Path, function: str) -> Callable[[], object]:
    if not path.is_file():
        raise UserError(f"no file '{path}' to take the backbone from")
    code = _import(path)
    functions = [key for key, value in vars(code).items() if callable(value) and not key.startswith("_")]
    make: Callable[[], object] | None = getattr(code, function, None)
    if not callable(make):
        raise UserError(f"{path} has no function '{function}'{nearest(function, functions)}")
    required = [p.name for p in inspect.signature(make).parameters.values() if p.default is p.empty and p.kind < 2]
    if required:
        raise UserError(f"{path}:{function} must take no required arguments, but takes {', '.join(required)}")
    return make


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"splitsearch_backbone_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"'{path}' is no Python file")
    code = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))  # so that the file may import its neighbours
    try:
        spec.loader.exec_module(code)
    except Exception as error:
        raise UserError(f"{path} cannot be imported: {type(error).__name__}: {first_line(error)}") from error
    finally:
        sys.path.pop(0)
    return code


def _tensor_hash(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()
