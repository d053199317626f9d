"""Networks of the published systems that torchvision lacks, by name: nobody publishes weights that we may read."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from splitsearch.spaces.backbones.backbone import Backbone, digest, file_hash, finish
from splitsearch.spaces.backbones.cifar import CifarResNet, CifarResNeXt, CifarWideResNet
from splitsearch.spaces.backbones.deep_stem import deep_resnext101_64x4d, deep_wide_resnet50_2, deep_wide_resnet50_3
from splitsearch.spaces.backbones.weights import classes_in, classifier_name, load_state, read_state
from splitsearch.spaces.errors import UserError

__all__ = ["PUBLISHED", "load_published", "published_module"]

PUBLISHED: dict[str, Callable[[int], nn.Module]] = {
    "cifar_resnet110": lambda classes: CifarResNet(110, bottleneck=True, classes=classes),
    "cifar_resnet164": lambda classes: CifarResNet(164, bottleneck=True, classes=classes),
    "cifar_resnext29_8x64d": lambda classes: CifarResNeXt(8, 64, classes=classes),
    "cifar_wide_resnet28_10": lambda classes: CifarWideResNet(28, 10, classes=classes),
    "deep_resnext101_64x4d": deep_resnext101_64x4d,
    "deep_wide_resnet50_2": deep_wide_resnet50_2,
    "deep_wide_resnet50_3": deep_wide_resnet50_3,
}


def published_module(name: str, classes: int) -> nn.Module:
    """A network of that name with fresh weights."""
    return PUBLISHED[name](classes).eval()


def load_published(name: str, classes: int, weights: str) -> Backbone:
    """Builds a network for a number of classes.

    Args:
        name: one of `PUBLISHED`.
        classes: of the data set.
        weights: `auto` or `none` (fresh), or a state-dict file.

    Raises:
        UserError: published weights are asked for, of which there are none, or those in the file do not fit.
    """
    if weights == "default":
        raise UserError(f"there are no published weights of {name}; --weights takes none, auto or a state-dict file")
    if weights in ("auto", "none"):
        return Backbone(
            name=name,
            module=published_module(name, classes),
            origin="scratch",
            new_classifier=False,
            fingerprint=digest(f"published:{name}:scratch"),
            note=f"there are no published weights of {name}; trained from scratch" if weights == "auto" else "",
        )
    path = Path(weights)
    state = read_state(path)
    own = classes_in(state, classifier_name(published_module(name, classes), classes), classes)
    module = published_module(name, own)
    load_state(module, state, path.name)
    return finish(name, module, (own, classes), "file", file_hash(path))
