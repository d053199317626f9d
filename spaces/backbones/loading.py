"""Backbones by name: a torchvision classifier, `timm:NAME`, or `FILE.py:FUNCTION` of the user's own."""

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from splitsearch.spaces.backbones.backbone import Backbone, Origin
from splitsearch.spaces.backbones.own import load_own, own_module, own_outputs
from splitsearch.spaces.backbones.published import PUBLISHED, load_published, published_module
from splitsearch.spaces.backbones.timm import TIMM, check_timm, load_timm, timm_module
from splitsearch.spaces.backbones.torchvision import load_torchvision, torchvision_module, torchvision_names
from splitsearch.spaces.backbones.weights import classifier_name, replace_classifier
from splitsearch.spaces.errors import UserError, nearest

__all__ = [
    "Backbone",
    "Origin",
    "backbone_names",
    "check_name",
    "classifier_name",
    "fresh_module",
    "load_backbone",
    "meta_backbone",
    "usual_module",
]


def backbone_names() -> list[str]:
    """All torchvision classifiers of the installed release, and the published networks that it lacks."""
    return [*torchvision_names(), *PUBLISHED]


def check_name(name: str) -> None:
    """Refuses a name that means no backbone, without building any; files are looked at when they are loaded.

    Raises:
        UserError: no such backbone; the message names the nearest.
    """
    if ".py:" in name:
        return
    if name.startswith(TIMM):
        check_timm(name)
        return
    known = backbone_names()
    if name not in known:
        hint = "" if name.endswith(".py") else nearest(name, known)
        raise UserError(
            f"unknown backbone '{name}'{hint} (a backbone of your own is FILE.py:FUNCTION, one of timm is timm:NAME)"
        )


def load_backbone(name: str, *, classes: int, weights: str = "auto") -> Backbone:
    """Builds a backbone for a number of classes.

    Args:
        name: a torchvision classifier, `timm:NAME` or `FILE.py:FUNCTION`.
        classes: of the data set.
        weights: `auto`, `default`, `none`, or a state-dict file (`.pth`, `.pt`, `.safetensors`).

    Raises:
        UserError: no such backbone, file or function, or weights that do not fit.
    """
    check_name(name)
    if ".py:" in name:
        return load_own(name, classes, weights)
    if name.startswith(TIMM):
        return load_timm(name, classes, weights)
    if name in PUBLISHED:
        return load_published(name, classes, weights)
    return load_torchvision(name, classes, weights)


def meta_backbone(name: str, classes: int) -> nn.Module:
    """The same network on the meta device, for costs, which need shapes and no values.

    Every parameter leaves for the meta device as soon as its layer registers it, before anything fills it with numbers:
    a network of gigabytes is there in less than a second. Constructors that read their own parameters get real ones,
    and so does the user's own function, which may load weights.

    Args:
        name: as `load_backbone` takes it.
        classes: of the data set.

    Raises:
        UserError: no such backbone, file or function.
    """
    check_name(name)
    if ".py:" in name:
        return _own_module(name, classes).to("meta")
    make = timm_module if name.startswith(TIMM) else published_module if name in PUBLISHED else torchvision_module
    hook = register_module_parameter_registration_hook(_leave)  # type: ignore[arg-type]  # annotated too narrowly
    try:
        module = make(name, classes)
    except Exception:  # the constructor asked for values, which the meta device has not; a real error comes again
        hook.remove()
        module = make(name, classes)
    finally:
        hook.remove()
    return module.to("meta")


def usual_module(name: str) -> nn.Module:
    """The network with the classes that it was published with, for costs; one of the user's own keeps its own.

    Raises:
        UserError: no such backbone, file or function.
    """
    if ".py:" in name:
        return own_module(name)
    return meta_backbone(name, 100 if name.startswith("cifar_") else 1000)


def fresh_module(name: str) -> nn.Module:
    """The network of `usual_module` with values, for measurements, which need weights and no particular ones.

    Raises:
        UserError: no such backbone, file or function.
    """
    if ".py:" in name:
        return own_module(name)
    return load_backbone(name, classes=100 if name.startswith("cifar_") else 1000, weights="none").module


def _leave(module: nn.Module, name: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
    """Returns what to register instead; None keeps the parameter."""
    if not isinstance(parameter, nn.Parameter) or parameter.is_meta:
        return None
    return nn.Parameter(torch.empty_like(parameter, device="meta"), requires_grad=parameter.requires_grad)


def _own_module(name: str, classes: int) -> nn.Module:
    module = own_module(name)
    if (old := own_outputs(module)) != classes:
        replace_classifier(module, old, classes)
    return module
