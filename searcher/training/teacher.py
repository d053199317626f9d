"""The teacher: the backbone with weights worth imitating on this data set.

Published or own weights are taken as they are; a replaced classifier is fitted on frozen features (a linear probe);
without weights the backbone is trained from scratch. What was computed is cached.
"""

import math
import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.cache import Cache
from splitsearch.searcher.training.gradients import gradients_on
from splitsearch.searcher.training.loops import Progress, Schedule, correct, minimise, silent
from splitsearch.searcher.training.placement import CPU, device_with, visiting
from splitsearch.spaces.backbones.loading import Backbone, classifier_name
from splitsearch.spaces.graph.flow import ancestors
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.variants.variants import Variants

_BEHIND = 1e-5  # of a start of 1: the variances of deep narrow networks are thousandths

__all__ = ["Teacher", "TeacherRecipe", "accuracy", "make_teacher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherRecipe:
    """How a teacher is fitted.

    Attributes:
        epochs: of training the whole network; None means 5 from scratch and none where weights were given.
        batch_size: images in one step.
        seed: of initialisation and order.
    """

    epochs: int | None = None
    batch_size: int = 64
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A backbone ready to be imitated.

    Attributes:
        variants: the network in evaluation mode, and the shapes that candidates make of it.
        accuracy: top-1 on the validation images, in [0, 1].
        how: a phrase for the user, such as `trained from scratch, 5 epochs`.
        cached: whether it came out of the cache.
    """

    variants: Variants
    accuracy: float
    how: str
    cached: bool

    @property
    def graph(self) -> TracedGraph:
        """The traced network."""
        return self.variants.graph


def make_teacher(
    backbone: Backbone,
    data: Dataset,
    recipe: TeacherRecipe,
    cache: Cache,
    progress: Progress = silent,
    device: torch.device = CPU,
) -> Teacher:
    """Fits, or takes from the cache, the teacher for a data set.

    Args:
        backbone: with the weights that it starts from; it is changed.
        data: to learn from, and to be validated on.
        recipe: how it is fitted.
        cache: of teachers.
        progress: hears what is done.
        device: where it is fitted and validated; it comes back to the processor.

    Raises:
        UserError: the backbone cannot be traced at the data set's image size.
    """
    variants = Variants.trace(backbone.name, backbone.module, data.image_size)
    variants.backward = gradients_on(data, recipe.seed)
    graph = variants.graph
    key = _key(backbone, data, recipe)
    found = cache.read("teachers", key)
    if found is not None:
        tensors, facts = found
        backbone.module.load_state_dict(tensors)
        return Teacher(variants=variants, accuracy=facts["accuracy"], how=facts["how"], cached=True)
    with visiting(device, backbone.module, graph.module):
        how = _fit(backbone, graph, data, recipe, progress)
        result = accuracy(graph.module, data.val)
    if how != "weights as given":
        cache.write("teachers", key, backbone.module.state_dict(), {"accuracy": result, "how": how})
    return Teacher(variants=variants, accuracy=result, how=how, cached=False)


@torch.no_grad()
def accuracy(module: nn.Module, split: Split) -> float:
    """Top-1 accuracy in [0, 1], computed where the module is."""
    device = device_with(module)
    hits = correct(lambda indices: module(normalise(split.images[indices].to(device))), split.labels)
    return float(hits.float().mean())


def _key(backbone: Backbone, data: Dataset, recipe: TeacherRecipe) -> dict[str, Any]:
    return {
        "version": 3,
        "backbone": backbone.fingerprint,
        "data": data.fingerprint,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "seed": recipe.seed,
    }


def _fit(backbone: Backbone, graph: TracedGraph, data: Dataset, recipe: TeacherRecipe, progress: Progress) -> str:
    torch.manual_seed(recipe.seed)
    if backbone.origin == "scratch":
        epochs = 5 if recipe.epochs is None else recipe.epochs
        _quiet_branches(graph)
        _train(graph, data, recipe, epochs, 2e-3, progress)
        return f"trained from scratch, {_epochs(epochs)}"
    how = "weights as given"
    if backbone.new_classifier:
        _probe(graph, data, recipe, progress)
        how = "classifier fitted on frozen features"
    if recipe.epochs:
        _train(graph, data, recipe, recipe.epochs, 2e-4, progress)
        how = f"fine-tuned, {_epochs(recipe.epochs)}"
    return how


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def _train(
    graph: TracedGraph, data: Dataset, recipe: TeacherRecipe, epochs: int, learning_rate: float, progress: Progress
) -> None:
    module = graph.module.train().to(memory_format=torch.channels_last)
    images, labels, device = data.train.images, data.train.labels, device_with(module)

    def loss_of(indices: torch.Tensor) -> torch.Tensor:
        batch = normalise(images[indices].to(device)).contiguous(memory_format=torch.channels_last)
        return functional.cross_entropy(module(batch), labels[indices].to(device))

    progress("teacher", 0, epochs)
    minimise(
        loss_of,
        module.parameters(),
        Schedule(epochs=epochs, batch_size=recipe.batch_size, learning_rate=learning_rate, weight_decay=0.05),
        len(labels),
        torch.Generator().manual_seed(recipe.seed),
        lambda epoch, loss: progress("teacher", epoch, epochs),
    )
    _settle_norms(module, data, recipe, steps=epochs * math.ceil(len(labels) / recipe.batch_size))
    module.eval().to(memory_format=torch.contiguous_format)


@torch.no_grad()
def _settle_norms(module: nn.Module, data: Dataset, recipe: TeacherRecipe, steps: int) -> None:
    """Gives norm layers that a short training leaves far behind the statistics of the training images.

    A running mean with momentum m keeps (1 - m)^steps of where it started: a third, for the 0.01 of MobileNetV3 after
    a hundred steps, and a four-hundredth for the usual 0.1 after sixty. Where the true variance is smaller than that,
    the network is no better than chance. Layers that have caught up are left alone.
    """
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    late = [m for m in norms if m.momentum and (1 - m.momentum) ** steps > _BEHIND]
    if not late:
        return
    module.eval()
    momenta = [norm.momentum for norm in late]
    for norm in late:
        norm.train()
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches, each counting the same
    order = torch.randperm(len(data.train.labels), generator=torch.Generator().manual_seed(recipe.seed))
    for chunk in torch.split(order, 128):
        module(normalise(data.train.images[chunk].to(device_with(module))))
    for norm, momentum in zip(late, momenta, strict=True):
        norm.momentum = momentum


def _quiet_branches(graph: TracedGraph) -> None:
    """Starts every residual branch that ends in a norm layer at zero (Goyal et al., 2017, section 5.1).

    A network of 150 layers then starts as a shallow one, and learns in a few hundred steps.
    """
    modules = dict(graph.module.named_modules())
    for node in graph:
        if node.op != "call_function" or node.target not in (operator.add, operator.iadd, torch.add):
            continue
        last = modules.get(str(getattr(_branch(node), "target", "")))
        if isinstance(last, nn.BatchNorm2d) and last.affine:
            nn.init.zeros_(last.weight)


def _branch(total: fx.Node) -> fx.Node | None:
    """Which of the tensors of a sum is the branch.

    The stream that a branch leaves from has two readers, whichever of them is named first. Where the stream is
    projected, both have one; the projection is the one with less work behind the fork.
    """
    terms = [arg for arg in total.args if isinstance(arg, fx.Node)]
    behind = {term: ancestors(term) for term in terms}

    def own_work(term: fx.Node) -> int:
        others = set().union(*(behind[other] for other in terms if other is not term))
        return sum(node.op == "call_module" for node in behind[term] - others)

    return max((term for term in terms if len(term.users) == 1), key=own_work, default=None)


def _probe(graph: TracedGraph, data: Dataset, recipe: TeacherRecipe, progress: Progress) -> None:
    """Trains the last layer alone, on features that are computed once."""
    classes = graph.shapes[graph.output.name][0]
    layer = graph.module.get_submodule(classifier_name(graph.module, classes))
    batch = 64
    # A linear layer wants a thousand steps or so, however few images there are to take them on.
    epochs = max(10, math.ceil(1000 * batch / len(data.train.labels)))
    progress("classifier", 0, epochs)
    features = _inputs_of(layer, graph.module, data.train)
    labels = data.train.labels.to(features.device)

    def loss_of(indices: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(_logits(layer, features[indices]), labels[indices])

    minimise(
        loss_of,
        layer.parameters(),
        Schedule(epochs=epochs, batch_size=batch, learning_rate=1e-2, weight_decay=1e-2),
        len(features),
        torch.Generator().manual_seed(recipe.seed),
        lambda epoch, loss: progress("classifier", epoch, epochs),
    )


@torch.no_grad()
def _inputs_of(layer: nn.Module, module: nn.Module, split: Split) -> torch.Tensor:
    """What enters a layer, for every image."""
    seen: list[torch.Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    try:
        for chunk in torch.split(torch.arange(len(split.labels)), 64):
            module(normalise(split.images[chunk].to(device_with(module))))
    finally:
        handle.remove()
    return torch.cat(seen)


def _logits(layer: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """The classifier's logits from its inputs; a convolutional classifier (squeezenet) is averaged over positions."""
    out: torch.Tensor = layer(features)
    return out.flatten(2).mean(2) if out.dim() == 4 else out
