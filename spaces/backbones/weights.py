"""Weights from files, read without running anybody's code, and the classifier that has to fit the data set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from splitsearch.spaces.errors import UserError

__all__ = ["classes_in", "classifier_name", "first_line", "load_state", "read_state", "replace_classifier"]


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
        raise UserError(f"cannot read weights from '{path.name}': {first_line(error)}") from error
    except Exception as error:  # pickle.UnpicklingError: torch explains at length what it refuses
        raise UserError(
            f"'{path.name}' is no plain state dict of tensors; save it with torch.save(model.state_dict())"
        ) from error
    if isinstance(data, Mapping) and isinstance(data.get("state_dict"), Mapping):
        data = data["state_dict"]
    if not isinstance(data, Mapping) or not all(isinstance(value, torch.Tensor) for value in data.values()):
        raise UserError(f"'{path.name}' holds no state dict of tensors")
    return {key.removeprefix("module."): value for key, value in data.items()}


def load_state(module: nn.Module, state: Mapping[str, torch.Tensor], source: str) -> None:
    """Loads strictly; counters of norm layers may be absent.

    Raises:
        UserError: the weights do not fit; the message names the layers.
    """
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


def classes_in(state: Mapping[str, torch.Tensor], classifier: str, otherwise: int) -> int:
    """The classes of a state dict: the rows of the classifier, whose path the architecture knows."""
    weight = state.get(f"{classifier}.weight")
    return otherwise if weight is None or weight.dim() == 0 else len(weight)


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


def first_line(error: Exception) -> str:
    """The first line of a message, or the error's kind if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
