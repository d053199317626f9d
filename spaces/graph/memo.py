"""What is known of a graph is kept with it and dies with it: a cache of its own would keep its weights alive."""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from splitsearch.spaces.graph.trace import TracedGraph

__all__ = ["once_per_graph"]

P = ParamSpec("P")
Result = TypeVar("Result")


def once_per_graph(
    function: Callable[Concatenate[TracedGraph, P], Result],
) -> Callable[Concatenate[TracedGraph, P], Result]:
    """Remembers the results of a function for each graph and each set of further arguments, all hashable.

    The results must not hold the graph itself.
    """
    known: WeakKeyDictionary[TracedGraph, dict[Hashable, Any]] = WeakKeyDictionary()

    @wraps(function)
    def remembering(graph: TracedGraph, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        results = known.setdefault(graph, {})
        key = (args, tuple(sorted(kwargs.items())))
        if key not in results:
            results[key] = function(graph, *args, **kwargs)
        return cast("Result", results[key])

    return remembering
