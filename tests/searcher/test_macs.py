"""Documents about multiply-adds."""

import pytest

from splitsearch.searcher.macs import macs_document, uncounted_document
from splitsearch.spaces.errors import UserError


def test_rows_add_up_and_a_cut_parts_them() -> None:
    document = macs_document("resnet18", 64, "layer2")
    totals = document["totals"]
    assert totals["macs"] == sum(row["macs"] for row in document["operators"])
    assert totals["head_macs"] + totals["tail_macs"] == totals["macs"]
    assert totals["head_parameters"] + totals["tail_parameters"] == totals["parameters"]
    assert document["cut"] == "layer2.1.relu_1"
    first = document["operators"][0]
    assert (first["name"], first["kind"], first["side"]) == ("conv1", "Conv2d", "head")
    assert (first["input_shapes"], first["output_shape"]) == ([[1, 3, 64, 64]], [1, 64, 32, 32])
    assert first["macs"] == 3 * 64 * 49 * 32 * 32
    assert document["uncounted_operators"] == {
        "BatchNorm2d": 20, "ReLU": 17, "add": 8, "MaxPool2d": 1, "AdaptiveAvgPool2d": 1
    }  # fmt: skip
    assert document["unknown_operators"] == []
    assert uncounted_document([]) == {"uncounted_operators": {}, "unknown_operators": []}


def test_the_view_of_fvcore_is_the_same_but_for_norms_and_pooling() -> None:
    ours, theirs = macs_document("resnet18", 64), macs_document("resnet18", 64, view="fvcore")
    by_operator = theirs["totals"]["by_operator"]
    assert by_operator["conv"] + by_operator["linear"] == ours["totals"]["macs"]
    assert theirs["totals"]["macs"] > ours["totals"]["macs"]
    assert {"conv", "batch_norm", "linear", "adaptive_avg_pool2d"} == set(by_operator)
    assert theirs["operators"][0]["name"] == "conv1"
    assert theirs["uncounted_operators"]["aten::max_pool2d"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("resnet18", 64, None, "tabel"), "unknown view 'tabel'; did you mean 'table'"),
        (("resnet18", 64, "layer9"), "no cut 'layer9'"),
        (("resnet18", 64, "layer2", "fvcore"), "use --view table"),
        (("resnet18", 0), "--image-size must be at least 1 pixel"),
        (("resnet19", 64), "unknown backbone 'resnet19'"),
    ],
)
def test_wrong_wishes(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(UserError, match=words):
        macs_document(*arguments)  # type: ignore[arg-type]
