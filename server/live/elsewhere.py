"""What a server asks of the other nodes of its site: a port, so that one process needs none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from asr.events import CallId, Party
from assist_rules.events import CallInfo
from server.events import CallEvent
from server.live.journal import Journal

if TYPE_CHECKING:
    from server.live.switchboard import Switchboard
    from server.refusals import Refusal


class Shown(Protocol):
    """A call that viewers can look at, wherever it is going on.

    That of another node has the other methods of ``CallSession`` that pages and people use, too:
    they are orders to the node that owns it.
    """

    @property
    def info(self) -> CallInfo:
        """Whose call it is."""

    def snapshot(self, *, plain: bool = False) -> dict[str, Any]:
        """The wire message that tells a newcomer everything so far."""

    def overview(self) -> dict[str, Any]:
        """The call's line on the board."""

    def since(self, seq: int, *, plain: bool = False) -> Sequence[CallEvent] | None:
        """The events after ``seq``, or ``None`` when only a snapshot can help."""

    def feedback(self, suggestion: str, verdict: str) -> None:
        """The agent used, dismissed or refused a card."""

    def painted(self, seq: int, at: float) -> float | None:
        """A page has drawn an event; seconds since the sound arrived, where known here."""


class Elsewhere(Protocol):
    """The other nodes. Only ``admit`` and ``find`` wait, and not for long."""

    def serve(self, switchboard: Switchboard) -> None:
        """These are the calls of this node."""

    def journal(
        self, info: CallInfo, parties: Sequence[Party], rate: int, inner: Journal | None
    ) -> Journal:
        """Keeps a call that begins here so that another node can go on with it."""

    async def admit(self, call: CallId) -> None:
        """Before a call begins here: take it up if its node has died.

        Raises :class:`Refusal` when it goes on at another node.
        """

    def release(self, call: CallId) -> None:
        """A call that was admitted did not begin after all."""

    def directions(self) -> dict[str, str]:
        """``node`` and ``url`` of the node with most room; empty if there is none."""

    def may_hand_over(self) -> bool:
        """Whether another node can go on with our calls."""

    def hand_over(self, call: CallId) -> None:
        """A call is ours no more: whoever takes it up next may have it."""

    async def claim(self, call: CallId) -> None:
        """This node goes on with a call from its own store.

        Raises :class:`Refusal` when another one has gone on with it or it has ended.
        """

    async def find(self, call: CallId) -> Shown | None:
        """A call of another node, to be shown here from now on."""

    def get(self, call: CallId) -> Shown | None:
        """A call of another node that is shown here already."""

    def calls(self) -> Iterable[Shown]:
        """The calls of other nodes that are shown here."""

    def notice(self) -> dict[str, Any]:
        """What boards are told about the nodes that they see."""


def direct(refusal: Refusal, elsewhere: Elsewhere | None) -> Refusal:
    """The refusal, with the way to a node that has room where there is one."""
    if elsewhere is not None:
        refusal.extra.update(elsewhere.directions())
    return refusal
