"""The classifiers of the installed torchvision release, with published weights, weights from a file, or none."""

import re
import socket
from pathlib import Path
from typing import Any

import torch
from torch import nn

from splitsearch.spaces.backbones.backbone import Backbone, digest, file_hash, finish
from splitsearch.spaces.backbones.weights import classes_in, classifier_name, first_line, load_state, read_state
from splitsearch.spaces.errors import UserError

__all__ = ["load_torchvision", "torchvision_module", "torchvision_names"]

_SECONDS_WITHOUT_A_BYTE = 20.0  # a network that swallows packets must not hang a run for ever
_HASH = re.compile(r"-([0-9a-f]{8,})\.")  # as PyTorch's own names of weights have it: the beginning of their SHA-256
_WITHOUT_AUXILIARY = ("googlenet", "inception_v3")


def torchvision_names() -> list[str]:
    """All classifiers of the installed release."""
    from torchvision import models

    return list(models.list_models(module=models))


def torchvision_module(name: str, classes: int) -> nn.Module:
    """A classifier with fresh weights, without auxiliary classifiers."""
    from torchvision import models

    extra: dict[str, Any] = {"aux_logits": False, "init_weights": True} if name in _WITHOUT_AUXILIARY else {}
    module: nn.Module = models.get_model(name, weights=None, num_classes=classes, **extra)
    return module.eval()


def load_torchvision(name: str, classes: int, weights: str) -> Backbone:
    """Builds a classifier for a number of classes.

    Args:
        name: of the classifier.
        classes: of the data set.
        weights: `auto` (published, else none), `default` (published), `none`, or a state-dict file.

    Raises:
        UserError: the published weights cannot be had, or those in the file do not fit.
    """
    if weights == "none":
        return _scratch(name, classes, "")
    if weights in ("auto", "default"):
        return _published(name, classes, required=weights == "default")
    path = Path(weights)
    state = read_state(path)
    classifier = classifier_name(torchvision_module(name, classes), classes)
    own = classes_in(state, classifier, classes)
    module = torchvision_module(name, own)
    load_state(module, state, path.name)
    return finish(name, module, (own, classes), "file", file_hash(path))


def _scratch(name: str, classes: int, note: str) -> Backbone:
    return Backbone(
        name=name,
        module=torchvision_module(name, classes),
        origin="scratch",
        new_classifier=False,
        fingerprint=digest(f"torchvision:{name}:scratch"),
        note=note,
    )


def _published(name: str, classes: int, *, required: bool) -> Backbone:
    from torchvision import models

    published = models.get_model_weights(name).DEFAULT
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_WITHOUT_A_BYTE)
    try:
        _drop_damaged(published.url)
        state = published.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        if required:
            raise UserError(f"the published weights of {name} cannot be had here: {first_line(error)}") from error
        return _scratch(name, classes, f"the published weights of {name} cannot be had here; trained from scratch")
    finally:
        socket.setdefaulttimeout(patience)
    own = len(published.meta["categories"])
    module = torchvision_module(name, own)
    module.load_state_dict({k: v for k, v in state.items() if "AuxLogits" not in k and not k.startswith("aux")})
    return finish(name, module, (own, classes), "pretrained", str(published))


def _drop_damaged(url: str) -> None:
    """Deletes a downloaded file that is not what its name says: PyTorch looks at the hash while downloading, only."""
    file = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    expected = _HASH.search(file.name)
    if expected is not None and file.is_file() and not file_hash(file).startswith(expected.group(1)):
        file.unlink()
