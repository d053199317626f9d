"""A registry is a named table with good errors: one registration adds a data set, a trainer, a sampler."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from splitsearch.spaces.errors import UserError, nearest

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to things of one kind, refuses duplicates, and suggests the nearest name for an unknown one."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._table: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that files its argument under `name`.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._table:
            raise ValueError(f"{self.kind} '{name}' is registered twice")

        def add(thing: T) -> T:
            self._table[name] = thing
            return thing

        return add

    def get(self, name: str) -> T:
        """Returns the thing of that name.

        Raises:
            UserError: there is none; the message names the nearest.
        """
        if name not in self._table:
            raise UserError(f"unknown {self.kind} '{name}'{nearest(name, self._table)}")
        return self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)
