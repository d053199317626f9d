"""One candidate's lesson."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, prepare
from splitsearch.searcher.training.phases import Batch
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.bottleneck.payload import Quantiser
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants


def batch(epoch: int = 0, draw: int = 0) -> Batch:
    return Batch(indices=torch.arange(6), epoch=epoch, share=0.0, draw=draw)


class TwoViews(Activations):
    """A store in whose second view every image is mirrored."""

    views = 2

    def inputs(self, indices: torch.Tensor, size: int | None = None, view: int = 0) -> torch.Tensor:
        images = super().inputs(indices, size)
        return images.flip(3) if view else images

    def at(self, cut: str, indices: torch.Tensor, size: int | None = None, view: int = 0) -> torch.Tensor:
        return super().at(cut, indices, size) + view

    def logits(self, indices: torch.Tensor, view: int = 0) -> torch.Tensor:
        return super().logits(indices) + view


def test_the_variance_is_around_the_means_of_channels(training: Any) -> None:
    lesson = training().lesson
    tensor = lesson.student.target(torch.randperm(120, generator=torch.Generator().manual_seed(0))[:256])
    expected = (tensor - tensor.mean((0, 2, 3), keepdim=True)).square().mean()
    assert lesson.variance("1.2") == pytest.approx(float(expected))


def test_epochs_and_members_see_views_in_turn(variants: Variants, tutor: Tutor) -> None:
    store = TwoViews(variants, tutor.data.train.images)
    config = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=8, image_size=32, division=2)
    both = Tutor(data=tutor.data, activations=store)
    lesson = prepare(TRAINERS.get("hnd"), config, assemble(config, variants), both, Recipe(), seed=0)[1].lesson
    assert [lesson.view(batch(epoch), member) for epoch in (0, 1) for member in (0, 1)] == [0, 1, 0, 1]
    single = replace(lesson, student=replace(lesson.student, model=assemble(config.undivided, variants)))
    assert [single.view(batch(epoch)) for epoch in (0, 1, 2)] == [0, 1, 0]
    answers = lesson.answers(batch())
    same_view = lesson.student.member_logits(lesson.student.decoder(lesson.received(batch())), 1)
    assert not torch.equal(answers[1], same_view)


def test_bits_are_the_own_ones_a_number_or_drawn(training: Any) -> None:
    lesson = training().lesson
    narrow = lesson.student.narrow(torch.arange(6))[0]
    for recipe, bits, draw in ((Recipe(), 8, 0), (Recipe(bits=2), 2, 0), (Recipe(bits="drawn"), 4, 1)):
        found = replace(lesson, recipe=recipe, bits=(8, 4)).received(batch(draw=draw))
        assert torch.equal(found.detach(), Quantiser(bits)(narrow.detach()))


def test_the_exit_learns_from_what_ran_anyway_and_nothing_learns_from_the_exit(training: Any) -> None:
    lesson = training(head="mimic", exit_cut="1.2").lesson
    assert lesson.exit_loss(batch()) is None  # nothing ran yet
    lesson.received(batch())
    loss = lesson.exit_loss(batch())
    loss.backward()
    classifier = lesson.student.model.exit.stage.module
    assert all(weight.grad is not None for weight in classifier.parameters())
    assert all(weight.grad is None for module in lesson.on_device for weight in module.parameters())
