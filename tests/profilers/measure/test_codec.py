"""Packing as it is done here."""

from collections import Counter

from splitsearch.profilers.measure.codec import payload_tasks
from splitsearch.spaces.bottleneck.payload import payload_bytes

CODEC = {"elements": [60, 400], "bits": [1, 8, 32], "sides": [16], "qualities": [75, 25]}


def test_every_size_and_width_goes_both_ways() -> None:
    tasks = payload_tasks(CODEC)
    assert Counter(task.label["op"] for task in tasks) == {
        "pack": 6, "unpack": 6, "zstd": 4, "unzstd": 4,
        "jpeg_encode": 2, "jpeg_decode": 2, "webp_encode": 2, "webp_decode": 2,
    }  # fmt: skip
    assert len({task.name for task in tasks}) == len(tasks)
    for task in tasks:
        result = task.work(task.prepare())
        label = task.label
        if label["op"] == "pack":
            assert len(result) == task.size == payload_bytes(label["elements"], label["bits"])
        elif label["op"] in ("unpack", "unzstd"):
            assert result.numel() == label["elements"]
        elif label["op"] == "zstd" or label["op"].endswith("encode"):
            assert len(result) == task.size > 0
        else:
            assert result.shape == (16, 16, 3)


def test_what_is_packed_was_just_written() -> None:
    task = next(task for task in payload_tasks(CODEC) if task.label["op"] == "pack")
    first, second = task.prepare(), task.prepare()
    assert first is not second
    assert (first == second).all()
