"""Which candidates are trained again, and the front that comes of it."""

from splitsearch.searcher.engine.finalists import choose_finalists, confirmed_document
from splitsearch.searcher.engine.front import FrontHeader, front_document
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import Baseline, TrialResult

LATENCY = {"head_ms": 1.0, "transfer_ms": 1.0, "tail_ms": 1.0, "source": "estimated"}
LOCAL = Baseline(name="local", values={"accuracy": 0.7, "latency_ms": 6.0}, latency=LATENCY, macs={})
HEADER = FrontHeader(
    backbone="b", dataset="d", device="d", server="s", network="n",
    objectives=parse_objectives("accuracy,latency_ms"), reference_point={"accuracy": 0.0, "latency_ms": 10.0},
    teacher={"accuracy": 0.9}, baselines=(LOCAL,),
)  # fmt: skip


def result(trial: int, accuracy: float, latency: float) -> TrialResult:
    return TrialResult(
        trial=trial, state="complete", key=f"k{trial}", config={"n": trial}, curve=[{"loss": 1.0}], latency=LATENCY,
        values={"accuracy": accuracy, "latency_ms": latency}, accuracy_interval=(0.0, 1.0),
    )  # fmt: skip


# Trial 1 is dominated by the baseline; trial 4 by trial 3; 0 adds 1 * 0.1 at the left, 2 a corner of 1 * 0.05 and more.
RESULTS = [result(0, 0.1, 1.0), result(1, 0.6, 7.0), result(3, 0.8, 7.5), result(2, 0.5, 5.0), result(4, 0.7, 8.0)]


def test_the_most_useful_come_first() -> None:
    document = front_document(HEADER, RESULTS)
    assert [entry["trial"] for entry in document["front"]] == [0, 2, 1, 3]
    order = [found.trial for found in choose_finalists(HEADER, document, RESULTS, 9)]
    # Added areas: trial 2 (0.5 - 0.1) * 2.0 = 0.8, trial 3 (0.8 - 0.6) * 2.5 = 0.5, trial 0 0.1 * 4.0 = 0.4.
    assert order == [2, 3, 0, 1]
    assert [found.trial for found in choose_finalists(HEADER, document, RESULTS, 2)] == [2, 3]


def again(accuracy: float) -> dict[str, object]:
    return {"accuracy": accuracy, "accuracy_interval": [accuracy, accuracy], "seed": 1, "epochs": 3, "seconds": 1.0}


def test_the_confirmed_front_is_judged_by_the_second_training() -> None:
    found = {"k2": again(0.85), "k3": again(0.8), "k0": {"reason": "diverged", "seed": 1, "epochs": 3}}
    document = confirmed_document(HEADER, RESULTS, found)
    (entry,) = document["front"]  # trial 3 was better by luck: it is slower, and no longer the most accurate
    assert (entry["trial"], entry["values"]["accuracy"], entry["accuracy_interval"]) == (2, 0.85, [0.85, 0.85])
    assert entry["confirmed"]["search_accuracy"] == 0.5
    assert [old["trial"] for old in document["search_front"]] == [0, 2, 1, 3]
    assert document["confirmation"] == {"finalists": 3, "failed": {"k0": "diverged"}}
    assert document["trials"]["complete"] == 5
    assert document["hypervolume"] == 0.85 * 0.5


def test_without_confirmation_the_front_of_the_search_stays() -> None:
    document = confirmed_document(HEADER, RESULTS, {"k2": {"reason": "diverged"}})
    assert document["front"] == document["search_front"]
