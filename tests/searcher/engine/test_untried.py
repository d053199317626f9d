"""Candidates that nobody has tried."""

from types import SimpleNamespace
from typing import Any

from splitsearch.profilers.pool import Pool
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.untried import Untried
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.space.space import SearchSpace

SPACE = SearchSpace(
    backbone="b", image_size=8, cuts=("x", "y"), heads=("mimic",), channels=tuple(range(1, 41)), bits=(4, 8)
)

ANYTHING = Budgets()


def cost(config: SplitConfig) -> Any:
    if config.cut == "x":
        raise InfeasibleError("no")
    return SimpleNamespace(values={"payload_bytes": float(config.channels)})


def made(count: int, budgets: Budgets = ANYTHING) -> Untried:
    pool = Pool(cost=cost)
    feasible = []
    for config in list(SPACE)[:count]:
        try:
            pool.get(config)
            feasible.append(config)
        except InfeasibleError:
            pass
    return Untried(SPACE, pool, budgets, feasible, 0)


def test_of_a_whole_pool_each_once_and_then_none() -> None:
    untried, taken = made(len(SPACE)), set[str | None]()
    assert untried.whole is not None
    while (config := untried.draw(taken)) is not None:
        assert config.key not in taken
        taken.add(config.key)
    assert len(taken) == len(untried.whole) == 80


def test_a_larger_space_goes_on_where_its_pool_ends() -> None:
    untried = made(82, Budgets(max_payload_bytes=20))  # 80 of them cannot exist
    assert untried.whole is None
    taken: set[str | None] = set()
    for _ in range(10):
        config = untried.draw(taken)
        assert config is not None
        assert (config.cut, config.channels <= 20 or len(taken) < 2) == ("y", True)
        taken.add(config.key)
    assert len(taken) == 10


def test_a_space_without_feasible_candidates_ends() -> None:
    assert made(81, Budgets(max_payload_bytes=0.5)).draw({config.key for config in SPACE if config.cut == "y"}) is None
