"""A head in two parts: the whole, and less work for what leaves."""

from typing import Any

import numpy as np

from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.halves import ANSWER, FEATURES, IMAGE, tail_inputs
from splitsearch.searcher.deploy.head import Head
from splitsearch.searcher.deploy.rebuild import onnx_head, torch_pair


class Half:
    """Remembers what it was asked."""

    def __init__(self, **outputs: float) -> None:
        self.outputs, self.asked = outputs, list[dict[str, Any]]()

    def __call__(self, inputs: Any) -> dict[str, Any]:
        self.asked.append(dict(inputs))
        return {name: np.array([value]) for name, value in self.outputs.items()}


def test_the_rest_runs_when_it_is_asked_for_and_sees_the_features_alone() -> None:
    first, rest = Half(features=1, exit_logits=2, exit_confidence=3), Half(payload=4)
    head = Head(first=first, rest=rest)
    begun = head.begin({IMAGE: np.zeros(1)})
    assert (len(first.asked), len(rest.asked)) == (1, 0)
    assert {name: value[0] for name, value in head.finish(begun).items()} == {
        "payload": 4,
        "exit_logits": 2,
        "exit_confidence": 3,
    }
    assert rest.asked == [{FEATURES: begun[FEATURES]}]


def test_a_head_that_is_whole_has_nothing_left() -> None:
    head = Head(first=Half(payload=4))
    begun = head.begin({IMAGE: np.zeros(1)})
    assert head.finish(begun) is begun


def test_both_forms_of_both_runtimes_agree(candidate: Chosen, exported: ExportFolder) -> None:
    images = {IMAGE: normalise(candidate.restored.data.val.images).numpy()}
    here = torch_pair(candidate.restored.model, candidate.restored.config).head
    assert here.rest is not None
    expected = here(images)
    assert list(expected) == [*tail_inputs(4), *ANSWER]
    for in_parts in (False, True):
        head = onnx_head(exported.path, in_parts=in_parts)
        assert (head.rest is not None) == in_parts
        found = head(images)
        assert set(found) == set(expected)
        assert np.abs(found["payload"].astype(int) - expected["payload"]).max() <= 1
        for name in ("scale", "zero", *ANSWER):
            assert np.allclose(found[name], expected[name], atol=1e-4)


def test_what_the_parts_hand_over_is_what_the_manifest_says(exported: ExportFolder, candidate: Chosen) -> None:
    parts = exported.manifest.head_parts
    assert parts is not None
    until, after = parts.values()
    assert until["inputs"] == exported.manifest.head["inputs"]
    assert after["outputs"] == exported.manifest.tail["inputs"]
    image = {IMAGE: normalise(candidate.restored.data.val.images[:1]).numpy()}
    begun = onnx_head(exported.path, in_parts=True).begin(image)
    assert [(t.name, t.shape) for t in until["outputs"]] == [(name, begun[name].shape[1:]) for name in begun]
    assert until["outputs"][:1] == after["inputs"]
