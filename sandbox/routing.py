"""Finds the operation that a request names.

Literal parts are read without regard to case, as the vendor's servers do, and win over parameters.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from sandbox.calls import Operation


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    operations: dict[str, Operation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """The operation that was named, and what stands in its parameters."""

    operation: Operation
    path: dict[str, str]


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Nothing was named; with methods, it was the method that did not fit."""

    methods: frozenset[str] = frozenset()


class Router:
    """All operations, by their paths."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            self._add(operation)

    def find(self, method: str, raw_path: str) -> Match | NoMatch:
        """Return what a request names; the path is not yet decoded."""
        segments = [unquote(segment) for segment in raw_path.strip("/").split("/")]
        folded = [segment.lower() for segment in segments]
        methods: set[str] = set()
        for node, places in self._leaves(self._root, segments, folded, 0, ()):
            operation = node.operations.get(method)
            if operation is not None:
                return Match(operation, dict(zip(_names(operation), places, strict=True)))
            methods.update(node.operations)
        return NoMatch(frozenset(methods))

    def _leaves(
        self,
        node: _Node,
        segments: list[str],
        folded: list[str],
        depth: int,
        places: tuple[str, ...],
    ) -> Iterator[tuple[_Node, tuple[str, ...]]]:
        if depth == len(segments):
            if node.operations:
                yield node, places
            return
        if (literal := node.literals.get(folded[depth])) is not None:
            yield from self._leaves(literal, segments, folded, depth + 1, places)
        if node.parameter is not None and segments[depth]:
            taken = (*places, segments[depth])
            yield from self._leaves(node.parameter, segments, folded, depth + 1, taken)

    def _add(self, operation: Operation) -> None:
        node = self._root
        for segment in operation.template.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment.lower(), _Node())
        if operation.method in node.operations:
            raise ValueError(f"{operation.method} {operation.template} stands twice")
        node.operations[operation.method] = operation


def _names(operation: Operation) -> list[str]:
    segments = operation.template.strip("/").split("/")
    return [segment.strip("{}") for segment in segments if segment.startswith("{")]
