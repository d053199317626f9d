"""What the search needs of an evaluator is what the evaluator of a run has."""

import inspect

from splitsearch.searcher.engine.evaluating import Evaluating
from splitsearch.searcher.engine.trial import Evaluator


def test_the_evaluator_of_a_run_has_all_that_a_search_asks_for() -> None:
    wanted = {name for name in vars(Evaluating) if not name.startswith("_")}
    assert {"checkpoints", "budgets", "pool", "evaluate_family", "refuse"} <= wanted
    for name in wanted:
        member = getattr(Evaluating, name)
        if isinstance(member, property):
            assert name in Evaluator.__dataclass_fields__
        else:
            theirs, ours = (inspect.signature(getattr(kind, name)).parameters for kind in (Evaluating, Evaluator))
            assert list(theirs) == list(ours)
