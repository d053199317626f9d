"""Answers on images."""

import numpy as np
import torch

from splitsearch.searcher.data.dataset import Split
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.halves import IMAGE
from splitsearch.searcher.deploy.outcomes import Outcomes, run_halves
from splitsearch.searcher.deploy.rebuild import torch_pair


def test_batches_do_not_matter(candidate: Chosen) -> None:
    pair = torch_pair(candidate.restored.model, candidate.restored.config)
    part = candidate.restored.data.val
    many = Split(images=part.images.repeat(3, 1, 1, 1)[:70], labels=part.labels.repeat(3)[:70])
    seen: list[int] = []
    found = run_halves(pair, many, lambda text, done, total: seen.append(done))
    assert seen == [64, 70]
    once = run_halves(pair, part)
    assert np.allclose(found.final[:24], once.final, atol=1e-5)
    assert found.early is not None
    assert found.early.shape == (70, 10)
    assert torch.equal(torch.from_numpy(found.labels), many.labels)


def test_who_answers() -> None:
    final = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    sizes, labels = np.array([3, 3]), np.array([0, 1])
    plain = Outcomes(labels=labels, final=final, payload_bytes=sizes)
    assert not plain.leaves(0.0).any()
    assert plain.hits(0.0).tolist() == [True, False]
    sure = np.array([0.2, 0.9], dtype=np.float32)
    both = Outcomes(labels=labels, final=final, payload_bytes=sizes, early=final[:, ::-1], confidence=sure)
    assert both.leaves(0.9).tolist() == [False, True]
    assert both.hits(0.9).tolist() == [True, True]
    assert both.hits(None).tolist() == [True, False]


def test_the_bytes_of_a_head_are_what_the_tail_takes(candidate: Chosen) -> None:
    pair = torch_pair(candidate.restored.model, candidate.restored.config)
    outputs = pair.head({IMAGE: torch.randn(2, 3, 32, 32).numpy()})
    payloads, inputs = pair.receive(outputs)
    assert len(payloads) == 2
    assert np.array_equal(inputs["payload"], outputs["payload"])
