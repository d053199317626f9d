"""What training tells about costs."""

from types import SimpleNamespace
from typing import Any

from splitsearch.searcher.engine.realised import realised_values, sent


class Known(SimpleNamespace):
    payload_bytes = 100.0
    values = {"latency_ms": 5.0, "payload_bytes": 100.0}  # noqa: RUF012 - stands in for a frozen profile

    def resent(self, target: Any, mean: float) -> Any:
        return ("resent", mean)

    def expected(self, exit_rate: float) -> dict[str, float]:
        return {"latency_ms": 5.0 * (1 - exit_rate)}


KNOWN: Any = Known()
TARGET: Any = None


def test_bytes_are_those_of_the_images_that_are_sent() -> None:
    assert sent(KNOWN, TARGET, 100.0, None) is KNOWN
    assert sent(KNOWN, TARGET, 40.0, None) == ("resent", 40.0)
    assert sent(KNOWN, TARGET, 40.0, 0.5) == ("resent", 80.0)
    assert sent(KNOWN, TARGET, 0.0, 1.0) is KNOWN, "nothing is sent, so nothing is known of what would be"


def test_values_weigh_the_exit() -> None:
    assert realised_values(KNOWN, 0.9, 40.0, None) == {"latency_ms": 5.0, "payload_bytes": 40.0, "accuracy": 0.9}
    assert realised_values(KNOWN, 0.9, 40.0, 0.2) == {
        "latency_ms": 4.0, "payload_bytes": 40.0, "accuracy": 0.9, "exit_rate": 0.2
    }  # fmt: skip
