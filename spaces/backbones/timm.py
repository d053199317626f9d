"""Backbones of timm, `timm:NAME`, where that library is installed: it is an extra, and imported on demand only."""

from pathlib import Path
from typing import Any

from torch import nn

from splitsearch.spaces.backbones.backbone import Backbone, digest, file_hash
from splitsearch.spaces.backbones.weights import classes_in, classifier_name, first_line, load_state, read_state
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["TIMM", "check_timm", "load_timm", "timm_module"]

TIMM = "timm:"


def check_timm(name: str) -> None:
    """Refuses a name that timm does not know.

    Raises:
        UserError: no such network, or timm is not installed.
    """
    timm, plain = _library(), name.removeprefix(TIMM)
    if not timm.is_model(plain):
        raise UserError(f"timm has no network '{plain}'{nearest(plain, timm.list_models())}")


def timm_module(name: str, classes: int) -> nn.Module:
    """A network of timm with fresh weights."""
    module: nn.Module = _create(name, classes, pretrained=False)
    return module


def load_timm(name: str, classes: int, weights: str) -> Backbone:
    """Builds a network of timm for a number of classes; timm itself fits the classifier to them.

    Args:
        name: `timm:NAME`, where NAME may carry a weights' tag, as in `resnet50.a1_in1k`.
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
    own = classes_in(state, classifier_name(timm_module(name, classes), classes), classes)
    module: Any = timm_module(name, own)
    load_state(module, state, path.name)
    if own != classes:
        module.reset_classifier(classes)
    return Backbone(
        name=name,
        module=module.eval(),
        origin="file",
        new_classifier=own != classes,
        fingerprint=digest(f"{name}:file:{file_hash(path)}"),
    )


def _library() -> Any:
    try:
        import timm
    except ImportError as error:
        raise UserError("a backbone timm:NAME needs the library timm: pip install 'splitsearch[timm]'") from error
    return timm


def _create(name: str, classes: int, *, pretrained: bool) -> Any:
    return _library().create_model(name.removeprefix(TIMM), pretrained=pretrained, num_classes=classes).eval()


def _scratch(name: str, classes: int, note: str) -> Backbone:
    return Backbone(
        name=name,
        module=timm_module(name, classes),
        origin="scratch",
        new_classifier=False,
        fingerprint=digest(f"{name}:scratch"),
        note=note,
    )


def _published(name: str, classes: int, *, required: bool) -> Backbone:
    try:
        module = _create(name, classes, pretrained=True)
    except Exception as error:  # each release of the hub's client raises errors of its own kind without a network
        if required:
            raise UserError(f"the published weights of {name} cannot be had here: {first_line(error)}") from error
        return _scratch(name, classes, f"the published weights of {name} cannot be had here; trained from scratch")
    published = module.pretrained_cfg
    source = f"{published.get('hf_hub_id') or published.get('url')}:{published.get('tag')}"
    return Backbone(
        name=name,
        module=module,
        origin="pretrained",
        new_classifier=classes != published["num_classes"],
        fingerprint=digest(f"{name}:pretrained:{source}"),
    )
