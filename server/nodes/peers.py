"""Which nodes there are, as their heartbeats tell. Pure: nobody's clock is compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """One server process."""

    name: str
    life: str
    """Made anew at each start: a node that restarts has lost its calls."""
    url: str
    """Where clients reach this very node."""
    calls: int = 0
    free: int = 0
    """Further calls that it would take now."""
    ready: bool = True

    def wire(self) -> dict[str, Any]:
        """What its heartbeat says."""
        return asdict(self)


class Peers:
    """The other nodes that are alive."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def update(self, nodes: Iterable[Node]) -> tuple[list[Node], list[Node]]:
        """These are alive now; gives who came and who went."""
        before, self._nodes = self._nodes, {node.life: node for node in nodes}
        came = [node for life, node in self._nodes.items() if life not in before]
        went = [node for life, node in before.items() if life not in self._nodes]
        return came, went

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def of(self, life: str) -> Node | None:
        """The node of that life, while it lives."""
        return self._nodes.get(life)

    def roomiest(self) -> Node | None:
        """Where the next call should go."""
        ready = [node for node in self._nodes.values() if node.ready and node.free > 0]
        return max(ready, key=lambda node: (node.free, node.name), default=None)
