"""Where a short training starts: principal components at the cut, and norm statistics that fit what now comes in.

An encoder that takes the place of the backbone's layers sees images, and not the tensor at the cut: its last layer
starts as the linear map from its own random features that comes nearest to the principal components.
"""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from splitsearch.searcher.training.phases import Batch
from splitsearch.searcher.training.tutor import Lesson
from splitsearch.spaces.bottleneck.decoders import Decoder
from splitsearch.spaces.bottleneck.encoders import Encoder, MimicEncoder
from splitsearch.spaces.graph.layout import map_shape, to_map

__all__ = ["settle_norms", "start_from_components"]

_ROWS = 4096
_IMAGES = 256
_FEWEST, _PIXELS = 32, 256 * 96**2  # images through a new encoder: its maps are wide where images are large
_SETTLING = 8  # batches: a mean over some five hundred images moves norm statistics by less than a training step does


@torch.no_grad()
def start_from_components(lesson: Lesson) -> None:
    """Starts encoder and decoder at the best linear map through so few channels (Eckart and Young, 1936)."""
    student = lesson.student
    generator = torch.Generator().manual_seed(lesson.seed)
    indices = torch.randperm(lesson.count, generator=generator)[:_IMAGES]
    activation = student.target(indices).float()
    shape = tuple(activation.shape[1:])
    maps = to_map(activation, shape)
    rows = maps.permute(0, 2, 3, 1).reshape(-1, map_shape(shape)[0])
    if len(rows) > _ROWS:
        rows = rows[torch.randperm(len(rows), generator=generator)[:_ROWS]]
    mean = rows.mean(0)
    channels = student.config.channels
    rank = min(channels, *rows.shape)
    with torch.random.fork_rng(devices=[]):  # svd_lowrank draws from the global generator
        torch.manual_seed(lesson.seed)
        _, _, components = torch.svd_lowrank(rows - mean, q=min(rank + 8, *rows.shape), niter=4)
    components = nn.functional.pad(components[:, :rank], (0, channels - rank))
    for module in (*lesson.on_device, student.decoder):
        if isinstance(module, Encoder) and map_shape(module.shape)[0] != len(mean):
            continue  # the lanes of a divided head meet in a tensor of another width
        if isinstance(module, Encoder | Decoder):
            module.start_from(components, mean)
        elif isinstance(module, MimicEncoder):
            some = max(_FEWEST, min(_IMAGES, _PIXELS // student.size**2))
            scores = nn.functional.conv2d(maps[:some] - mean[:, None, None], components.t()[:, :, None, None])
            wanted = nn.functional.adaptive_avg_pool2d(scores, _narrow_sides(lesson))
            module.start_towards(student.activations.inputs(indices[:some], student.size), wanted)


def _narrow_sides(lesson: Lesson) -> tuple[int, int]:
    encoder = lesson.student.model.stage("encoder")
    assert encoder is not None
    _, height, width = encoder.output_shape
    return height, width


@torch.no_grad()
def settle_norms(lesson: Lesson) -> None:
    """Gives the tail's norm layers the statistics of what the decoder makes, in forward passes alone.

    A tail's norm layers know the teacher's tensors. What comes through a narrow bottleneck has less variance, and
    every layer's scale is then off; the weights are not.
    """
    norms = [module for module in lesson.student.tail.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches, each counting the same
        norm.train()
    generator = torch.Generator().manual_seed(lesson.seed + 1)
    chunks = torch.split(torch.randperm(lesson.count, generator=generator), lesson.recipe.batch_size)
    for indices in chunks[:_SETTLING]:
        if len(indices) > 1:
            lesson.answers(Batch(indices=indices, epoch=0, share=0.0, draw=0))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
