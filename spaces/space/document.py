"""YAML with line numbers: a space file is refused with the place of the mistake, whatever is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from splitsearch.spaces.errors import UserError

__all__ = ["Document", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A scalar of the file and the line that it stands in, counted from 1."""

    value: Any
    line: int


class Document:
    """A mapping of keys to scalars, lists of scalars, or lists of such mappings; nothing else can be in it.

    Args:
        text: the file's contents.
        file: its name, for messages.

    Raises:
        UserError: it is no YAML.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        try:
            self._loader = yaml.SafeLoader(text)
            self.root: yaml.Node | None = self._loader.get_single_node()
        except yaml.YAMLError as error:
            raise UserError(f"{file} is no YAML: {_one_line(error)}") from error
        except Exception as error:  # PyYAML lets what Python says of a bad escape or of deep nesting pass
            raise UserError(f"{file} is no YAML: {type(error).__name__}") from error

    def refuse(self, line: int, message: object) -> NoReturn:
        """Raises a UserError that begins with the place."""
        raise UserError(f"{self.file}, line {line}: {_one_line(message)}")

    def mapping(self, node: yaml.Node | None, what: str) -> Mapping[Entry, yaml.Node]:
        """Keys, which are text and stand there once, to the nodes of their values.

        Raises:
            UserError: the node is no such mapping; the message says `what` it must be.
        """
        if not isinstance(node, yaml.MappingNode):
            self.refuse(line_of(node), what)
        found: dict[Entry, yaml.Node] = {}
        for key, value in node.value:
            entry = self._scalar(key, what)
            if not isinstance(entry.value, str):
                self.refuse(entry.line, what)
            if any(entry.value == known.value for known in found):
                self.refuse(entry.line, f"the key '{entry.value}' stands there twice")
            found[entry] = value
        return found

    def scalars(self, node: yaml.Node, what: str) -> tuple[Entry, ...]:
        """A list of scalars; a scalar counts as a list of one.

        Raises:
            UserError: the node is something else; the message says `what` it must be.
        """
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return tuple(self._scalar(item, what) for item in nodes)

    def items(self, node: yaml.Node, what: str) -> tuple[yaml.Node, ...]:
        """The nodes of a list.

        Raises:
            UserError: the node is none; the message says `what` it must be.
        """
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(line_of(node), what)
        return tuple(node.value)

    def _scalar(self, node: yaml.Node, what: str) -> Entry:
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(line_of(node), what)
        try:
            return Entry(self._loader.construct_object(node), line_of(node))
        except Exception as error:  # of many types: PyYAML trusts explicit tags such as !!int to stand before integers
            reason = f" ({error.problem})" if isinstance(error, yaml.MarkedYAMLError) else ""
            self.refuse(line_of(node), f"{node.value!r} cannot be read{reason}")


def line_of(node: yaml.Node | None) -> int:
    """The line in which a node begins, counted from 1; an empty file has one line."""
    return 1 if node is None else node.start_mark.line + 1


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
