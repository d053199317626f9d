"""No candidate twice and none too many, in whatever order workers get to run."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.engine.sharing.claims import Runner, decide


@dataclass
class Actor:
    """A worker whose every step is one access to the study."""

    number: int
    key: str
    state: str = "absent"  # absent, choosing, undecided, deciding to start, started, gone

    def seen(self) -> Runner:
        known = self.state != "choosing"
        return Runner(number=self.number, key=self.key if known else None, started=self.state == "started")

    def step(self, actors: list["Actor"], budget: int) -> None:
        if self.state == "absent":
            self.state = "choosing"
        elif self.state == "choosing":
            self.state = "undecided"
        elif self.state == "undecided":
            others = [a.seen() for a in actors if a is not self and a.state not in ("absent", "gone")]
            verb = decide(self.number, self.key, others, budget).verb
            self.state = {"start": "decided", "wait": "undecided", "yield": "gone"}[verb]
        elif self.state == "decided":  # the writing comes after the reading, and others act between the two
            self.state = "started"


KEYS = st.lists(st.sampled_from("abc"), min_size=2, max_size=6)


@given(keys=KEYS, budget=st.integers(1, 6), data=st.data())
def test_any_schedule(keys: list[str], budget: int, data: st.DataObject) -> None:
    numbers = data.draw(st.permutations(range(len(keys))))
    actors = [Actor(number, key) for number, key in zip(numbers, keys, strict=True)]
    for place in data.draw(st.lists(st.integers(0, len(actors) - 1), max_size=40)):
        actors[place].step(actors, budget)
    for _ in range(60):  # then everybody runs, and nobody may wait for ever
        for actor in actors:
            actor.step(actors, budget)
    assert {actor.state for actor in actors} <= {"started", "gone"}
    trained = [actor.key for actor in actors if actor.state == "started"]
    assert len(trained) == len(set(trained)) <= budget
    assert trained


def test_reasons() -> None:
    rival = Runner(number=3, key="k", started=True)
    assert decide(1, "k", [rival], 5).reason == "trial 3 trains this candidate"
    assert decide(1, "j", [rival], 1).reason == "other trials use up the budget"
    assert decide(1, "j", [rival], 2).verb == "start"
    assert decide(1, "j", [Runner(number=0, key=None, started=False)], 9).verb == "wait"
