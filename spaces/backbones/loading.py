"""Backbones by name: every torchvision classifier, or a function in the user's own file."""

import hashlib
import importlib.util
import inspect
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from splitsearch.spaces.errors import UserError, nearest

__all__ = [
    "Backbone",
    "Origin",
    "backbone_names",
    "classifier_name",
    "load_backbone",
    "read_state",
    "replace_classifier",
]

Origin = Literal["pretrained", "file", "own", "scratch"]
_SECONDS_WITHOUT_A_BYTE = 20.0  # a network that swallows packets must not hang a run for ever
_WITHOUT_AUXILIARY = ("googlenet", "inception_v3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A network before it is anybody's teacher.

    Attributes:
        name: as the user gave it.
        module: in evaluation mode, with one logit per class of the data set.
        origin: where its weights come from: published (`pretrained`), a state-dict `file`, the user's `own` function,
            or none yet (`scratch`).
        new_classifier: the last layer was replaced for another number of classes and wants fitting.
        fingerprint: hash of the source and of the weights' origin, for caches.
        note: what the user should know about the weights, or an empty string.
    """

    name: str
    module: nn.Module
    origin: Origin
    new_classifier: bool
    fingerprint: str
    note: str = ""


def backbone_names() -> list[str]:
    """All torchvision classifiers of the installed release."""
    from torchvision import models

    return list(models.list_models(module=models))


def load_backbone(name: str, *, classes: int, weights: str = "auto") -> Backbone:
    """Builds a backbone for a number of classes.

    Args:
        name: a torchvision classifier or `FILE.py:FUNCTION`.
        classes: of the data set.
        weights: `auto`, `default`, `none`, or a state-dict file (`.pth`, `.pt`, `.safetensors`).

    Raises:
        UserError: no such backbone, file or function, or weights that do not fit.
    """
    if ".py:" in name:
        return _own(name, classes, weights)
    known = backbone_names()
    if name not in known:
        hint = "; a backbone of your own is FILE.py:FUNCTION" if name.endswith(".py") else nearest(name, known)
        raise UserError(f"unknown backbone '{name}'{hint}")
    return _torchvision(name, classes, weights)


def classifier_name(module: nn.Module, classes: int) -> str:
    """Path of the layer that makes the logits: the last linear layer or convolution with so many outputs.

    Raises:
        UserError: there is none.
    """
    found = ""
    for path, layer in module.named_modules():
        width = getattr(layer, "out_features", getattr(layer, "out_channels", None))
        if isinstance(layer, nn.Linear | nn.Conv2d) and width == classes:
            found = path
    if not found:
        raise UserError(f"the backbone has no linear layer or convolution with {classes} outputs to classify with")
    return found


def replace_classifier(module: nn.Module, old: int, new: int) -> None:
    """Puts a fresh layer with `new` outputs in the place of the one with `old`."""
    path = classifier_name(module, old)
    parent_path, _, child = path.rpartition(".")
    layer = module.get_submodule(path)
    fresh: nn.Module
    if isinstance(layer, nn.Linear):
        fresh = nn.Linear(layer.in_features, new)
    else:
        assert isinstance(layer, nn.Conv2d)
        fresh = nn.Conv2d(layer.in_channels, new, layer.kernel_size[0], layer.stride[0], layer.padding)  # type: ignore[arg-type]  # square kernels
    setattr(module.get_submodule(parent_path), child, fresh)


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Reads a state dict without ever unpickling objects.

    Raises:
        UserError: the file cannot be read or holds something else.
    """
    if not path.is_file():
        raise UserError(
            f"no weights file '{path}'; --weights takes auto, default, none, or a .pth, .pt or .safetensors file"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        data: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, SafetensorError) as error:
        raise UserError(f"cannot read weights from '{path.name}': {_first_line(error)}") from error
    except Exception as error:  # pickle.UnpicklingError: torch explains at length what it refuses
        raise UserError(
            f"'{path.name}' is no plain state dict of tensors; save it with torch.save(model.state_dict())"
        ) from error
    if isinstance(data, Mapping) and isinstance(data.get("state_dict"), Mapping):
        data = data["state_dict"]
    if not isinstance(data, Mapping) or not all(isinstance(value, torch.Tensor) for value in data.values()):
        raise UserError(f"'{path.name}' holds no state dict of tensors")
    return {key.removeprefix("module."): value for key, value in data.items()}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _torchvision(name: str, classes: int, weights: str) -> Backbone:
    if weights == "none":
        return _scratch(name, classes, "")
    if weights in ("auto", "default"):
        return _published(name, classes, required=weights == "default")
    path = Path(weights)
    state = read_state(path)
    own = _classes_in(name, state, classes)
    module = _build(name, own)
    _load(module, state, path.name)
    return _finish(name, module, own, classes, "file", _file_hash(path))


def _build(name: str, classes: int) -> nn.Module:
    from torchvision import models

    extra: dict[str, Any] = {"aux_logits": False, "init_weights": True} if name in _WITHOUT_AUXILIARY else {}
    module: nn.Module = models.get_model(name, weights=None, num_classes=classes, **extra)
    return module.eval()


def _scratch(name: str, classes: int, note: str) -> Backbone:
    return Backbone(
        name=name,
        module=_build(name, classes),
        origin="scratch",
        new_classifier=False,
        fingerprint=_digest(f"torchvision:{name}:scratch"),
        note=note,
    )


def _published(name: str, classes: int, *, required: bool) -> Backbone:
    from torchvision import models

    published = models.get_model_weights(name).DEFAULT
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_WITHOUT_A_BYTE)
    try:
        state = published.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        if required:
            raise UserError(f"the published weights of {name} cannot be had here: {_first_line(error)}") from error
        return _scratch(name, classes, f"the published weights of {name} cannot be had here; trained from scratch")
    finally:
        socket.setdefaulttimeout(patience)
    module = _build(name, len(published.meta["categories"]))
    module.load_state_dict({k: v for k, v in state.items() if "AuxLogits" not in k and not k.startswith("aux")})
    return _finish(name, module, len(published.meta["categories"]), classes, "pretrained", str(published))


def _classes_in(name: str, state: Mapping[str, torch.Tensor], classes: int) -> int:
    """The classes of a state dict: the rows of its classifier, whose place the architecture knows."""
    weight = state.get(f"{classifier_name(_build(name, classes), classes)}.weight")
    return classes if weight is None or weight.dim() == 0 else len(weight)


def _load(module: nn.Module, state: Mapping[str, torch.Tensor], source: str) -> None:
    """Loads strictly, naming the layers that do not fit; counters of norm layers may be absent."""
    own = module.state_dict()
    wrong = [f"{key} is missing" for key in own if key not in state and not key.endswith("num_batches_tracked")]
    wrong += [f"{key} is unexpected" for key in state if key not in own]
    wrong += [
        f"{key} has shape {tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise UserError(f"the weights in '{source}' do not fit the backbone: {'; '.join(wrong[:3])}{more}")
    module.load_state_dict(dict(state), strict=False)


def _finish(name: str, module: nn.Module, old: int, new: int, origin: Origin, source: str) -> Backbone:
    if old != new:
        replace_classifier(module, old, new)
    return Backbone(
        name=name,
        module=module.eval(),
        origin=origin,
        new_classifier=old != new,
        fingerprint=_digest(f"{name}:{origin}:{source}"),
    )


def _own(name: str, classes: int, weights: str) -> Backbone:
    file, _, function = name.rpartition(":")
    path = Path(file)
    module = _call(path, function)
    if weights == "default":
        raise UserError("--weights default means published weights, which a backbone of your own has not; use auto")
    source = _file_hash(path) + function
    if weights not in ("auto", "none"):
        _load(module, read_state(Path(weights)), Path(weights).name)
        source += _file_hash(Path(weights))
    origin: Origin = "scratch" if weights == "none" else ("own" if weights == "auto" else "file")
    source += _tensor_hash(module) if origin == "own" else ""
    return _finish(name, module, _outputs(module), classes, origin, source)


def _call(path: Path, function: str) -> nn.Module:
    make = _function(path, function)
    try:
        module = make()
    except Exception as error:  # the user's code may raise anything: say where, in one line
        raise UserError(f"{path}:{function}() raised {type(error).__name__}: {_first_line(error)}") from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{path}:{function}() must return a torch.nn.Module, not {type(module).__name__}")
    return module.eval()


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
        raise UserError(f"{path} cannot be imported: {type(error).__name__}: {_first_line(error)}") from error
    finally:
        sys.path.pop(0)
    return code


def _outputs(module: nn.Module) -> int:
    """Classes of a network of unknown make: the width of its last linear layer or convolution."""
    widths = [
        layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
        for layer in module.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    if not widths:
        raise UserError(f"the backbone {type(module).__name__} has no linear layer or convolution to classify with")
    return widths[-1]


def _tensor_hash(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
