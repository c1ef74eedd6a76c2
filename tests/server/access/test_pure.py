"""The pure parts: permissions on calls, tickets, the throttle. Properties first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.events import CallId
from assist_rules.events import CallInfo
from server.access.roles import EVERY_QUEUE, PERMISSIONS, Caller, Role, Scope, may, scope
from server.access.throttle import Throttle
from server.access.tickets import Tickets

ANYBODY = st.builds(
    Caller,
    user=st.sampled_from(["a-7", "a-8"]),
    role=st.sampled_from(Role),
    queues=st.frozensets(st.sampled_from(["q1", "q2", EVERY_QUEUE])),
)
CALLS = st.builds(
    CallInfo,
    call=st.just(CallId("c-1")),
    agent=st.sampled_from([None, "a-7", "a-8"]),
    queue=st.sampled_from([None, "q1", "q2"]),
)


@given(ANYBODY, CALLS, st.sampled_from(sorted(PERMISSIONS)))
def test_whoever_may_do_something_on_a_call_has_a_reason(
    caller: Caller, call: CallInfo, action: str
) -> None:
    allowed = may(caller, action, call)
    match scope(caller, action):
        case None:
            assert not allowed
        case Scope.OWN:
            assert allowed == (call.agent == caller.user)
        case Scope.TEAM:
            assert allowed == bool({call.queue, EVERY_QUEUE} & caller.queues)
        case Scope.ALL:
            assert allowed


@given(ANYBODY, CALLS)
def test_who_pushes_audio_sees_nothing(caller: Caller, call: CallInfo) -> None:
    if caller.role is Role.INGEST:
        seen = [action for action in PERMISSIONS if may(caller, action, call)]
        assert sorted(seen) == ["audio.push", "ticket.get"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 50)), max_size=40))
def test_nobody_fails_more_often_than_allowed_within_the_window(
    tries: list[tuple[str, float]],
) -> None:
    throttle, let_in = Throttle(3, 10), []
    for key, now in sorted(tries, key=lambda item: item[1]):
        wait_s = throttle.wait_s(key, now)
        assert 0 <= wait_s <= 10
        if not wait_s:
            throttle.failed(key, now)
            let_in.append((key, now))
    for key, now in let_in:
        same = [at for k, at in let_in if k == key and now <= at < now + 10]
        assert len(same) <= 3


def test_the_throttle_forgets_whom_it_forgives_and_keeps_its_size() -> None:
    throttle = Throttle(1, 10, keys=2)
    for key in "abc":
        throttle.failed(key, 0)
    assert [throttle.wait_s(key, 4) for key in "abc"] == [0, 6, 6]
    throttle.forgive("b")
    assert throttle.wait_s("b", 4) == 0


@pytest.mark.parametrize(
    ("purpose", "at", "good"), [("agent", 1, True), ("board", 1, False), ("agent", 30, False)]
)
def test_a_ticket_is_for_one_door_for_a_while(purpose: str, at: float, good: bool) -> None:
    tickets, caller = Tickets(30), Caller("a-7", Role.AGENT)
    ticket = tickets.give(caller, "agent", 0)
    assert tickets.take(ticket, purpose, at) == (caller if good else None)
    assert tickets.take(ticket, "agent", 1) is None


def test_old_tickets_make_room() -> None:
    tickets, caller = Tickets(30, limit=2), Caller("a-7", Role.AGENT)
    first, second, third = (tickets.give(caller, "agent", 0) for _ in range(3))
    assert tickets.take(first, "agent", 1) is None
    assert tickets.take(second, "agent", 1) == tickets.take(third, "agent", 1) == caller
