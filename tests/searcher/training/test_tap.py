"""Tensors from inside a tail."""

from typing import Any

import torch

from splitsearch.searcher.training.tap import matched_cuts, run_tapped, tapped
from splitsearch.spaces.graph.cuts import find_cut


@torch.no_grad()
def test_a_tapped_tail_gives_its_tensors_and_the_same_logits(training: Any) -> None:
    lesson = training(cut="0.2").lesson
    graph = lesson.tutor.activations.variants.graph
    cuts = [find_cut(graph, name) for name in ("1.2", "2.2")]
    joint = lesson.student.target(torch.arange(5))
    first, second, logits = run_tapped(tapped(lesson.student.tail, [cut.node for cut in cuts]), joint)
    assert torch.allclose(first, lesson.student.target(torch.arange(5), cut="1.2"), atol=1e-5)
    assert torch.allclose(second, lesson.student.target(torch.arange(5), cut="2.2"), atol=1e-5)
    assert torch.equal(logits, lesson.student.tail(joint))


def test_the_ends_of_the_next_map_sizes_are_matched(training: Any) -> None:
    assert [cut.name for cut in matched_cuts(training(cut="0.2").lesson)] == ["1.2", "2.2"]
    assert [cut.name for cut in matched_cuts(training(cut="1.2").lesson)] == ["2.2"]
    assert matched_cuts(training(division=2).lesson) == ()
