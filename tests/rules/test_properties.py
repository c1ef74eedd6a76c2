"""Whatever the order of partials, what stands in the end is what the final text says."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.events import CallId, Metric, Party, Transcript, Watermark
from assist_rules.events import CallInfo, Retraction, RuleEvent, State
from assist_rules.rulebook import Rulebook
from assist_rules.session import RuleSession
from tests.rules.talk import CALL, facts, heard, promised, session, standing, ticked

PIECES = st.sampled_from(
    [
        "我要投诉",
        "我",
        "要",
        "投诉",
        "投宿",
        "不",
        "没有",
        "不得不",
        "你们",
        "满意",
        "服务",
        "快一点",
        "太差了",
        "保险",
        "这不是",
        "吗",
        "如果",
        "着火",
        "冒烟",
        "没",
        "非常抱歉",
        "起诉",
        "12315",
        "分钟",
        "之内",
        "嗯",
        "啊",
        "儿",
        "女儿",
        "事儿",
        "不清楚",
        "我",
        "您",
        "有不清楚的地方",
        "我帮您",
        "核实",
        "急什么",
        "别激动",
        "没办法",
        "随便",
        "你",
        "看着办",
        "再见",
        "您好",
        "请问",
        "打了",
        "五遍",
        "电话",
        "三",
        "天",
        "了",
        "了",
        "不了",
        "气死",
        "头素",
        "投素",
        "的",
        "得",
        "领导",
        "经理",
        "找",
        "表扬",
        "销户",
        "转网",
        "hello",
        "A",
        "。",
        "，",
    ]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=12).map("".join)
SLOW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def revisions(draw: st.DrawFn, text: str) -> list[str]:
    """Partials on the way to ``text``: longer, shorter, wrong, and in the end the text."""
    partials = []
    done = 0
    while done < len(text):
        done = min(len(text), done + draw(st.integers(1, 5)))
        partial = text[:done]
        match draw(st.integers(0, 5)):
            case 0:
                partial = partial[: -draw(st.integers(1, 3))] + draw(PIECES)
            case 1:
                partial = partial[: draw(st.integers(0, len(partial)))]
            case 2:
                partials.append(draw(TEXTS))
        partials.append(partial)
    return partials


@SLOW
@given(data=st.data(), text=TEXTS, party=st.sampled_from(list(Party)))
def test_any_partials_end_where_the_final_text_alone_ends(
    practice: Rulebook, data: st.DataObject, text: str, party: Party
) -> None:
    streamed = session(practice)
    events: list[RuleEvent] = []
    number = 0
    for partial in data.draw(revisions(text)):
        number += 1
        stable = data.draw(st.integers(0, len(partial)))
        events += streamed.hear(heard(partial, number, party=party, stable=stable))
    last = heard(text, number + 1, final=True, party=party)
    events += streamed.hear(last)
    once = session(practice)
    expected = once.hear(last)
    assert facts(events) == facts(expected)
    assert ticked(events) == ticked(expected)
    assert promised(events) == promised(expected)
    assert streamed.score == once.score


@SLOW
@given(data=st.data(), text=TEXTS, better=TEXTS, party=st.sampled_from(list(Party)))
def test_after_a_second_pass_its_words_alone_count(
    practice: Rulebook, data: st.DataObject, text: str, better: str, party: Party
) -> None:
    streamed, once = session(practice), session(practice)
    partials = data.draw(revisions(text))
    events = [
        e for n, p in enumerate(partials) for e in streamed.hear(heard(p, n + 1, party=party))
    ]
    first = heard(text, len(partials) + 1, True, party)
    events += streamed.hear(first)
    confirmed = {id_ for id_, a in standing(events).items() if a.state is State.CONFIRMED}
    events += streamed.advance(Watermark(CALL, first.end_ms, first.end_ms))
    second = replace(heard(better, first.revision + 1, True, party), at_ms=first.at_ms + 1_000)
    changed = streamed.hear(second)
    lost = [e for e in changed if isinstance(e, Retraction) and e.id in confirmed]
    assert {e.why for e in lost} <= {"corrected"}
    events += changed
    expected = list(once.hear(second))
    for one, found in ((streamed, events), (once, expected)):
        found += one.advance(Watermark(CALL, second.at_ms, second.at_ms))
    assert facts(events) == facts(expected)
    assert ticked(events) == ticked(expected)
    assert promised(events) == promised(expected)
    assert streamed.score == once.score


@SLOW
@given(data=st.data(), texts=st.lists(TEXTS, min_size=2, max_size=5))
def test_a_call_ends_where_its_finals_alone_end(
    practice: Rulebook, data: st.DataObject, texts: list[str]
) -> None:
    streamed, once = session(practice), session(practice)
    events: list[RuleEvent] = []
    expected: list[RuleEvent] = []
    clock = 0
    for i, text in enumerate(texts):
        party = (Party.AGENT, Party.CUSTOMER)[i % 2]
        name = f"u{i}"
        number = 0
        for partial in data.draw(revisions(text)):
            number += 1
            events += streamed.hear(heard(partial, number, False, party, name, clock))
        last = heard(text, number + 1, True, party, name, clock)
        clock = last.end_ms + 300
        for one, found in ((streamed, events), (once, expected)):
            found += one.hear(last)
            found += one.advance(Watermark(CALL, clock, clock))
    for one, found in ((streamed, events), (once, expected)):
        found += one.advance(Watermark(CALL, clock + 20_000, clock + 20_000))
        found += one.end(clock + 20_000)
    assert facts(events) == facts(expected)
    assert ticked(events) == ticked(expected)
    assert promised(events) == promised(expected)


@SLOW
@given(data=st.data(), text=TEXTS)
def test_a_replay_gives_the_same_events(practice: Rulebook, data: st.DataObject, text: str) -> None:
    inputs = [heard(p, i + 1) for i, p in enumerate(data.draw(revisions(text)))]

    def play() -> list[tuple[RuleEvent, ...]]:
        one = session(practice)
        played = []
        for item in inputs:
            played.append(one.hear(item))
            played.append(one.advance(Watermark(CALL, item.at_ms, item.at_ms)))
        return [*played, one.end(60_000)]

    assert play() == play()


@SLOW
@given(text=TEXTS)
def test_what_is_taken_back_leaves_nothing(practice: Rulebook, text: str) -> None:
    one = session(practice)
    events = list(one.hear(heard(text, 1)))
    events += one.hear(heard("", 2, final=True))
    events += one.advance(Watermark(CALL, 30_000, 30_000))
    assert facts(events) == set()
    assert promised(events) == set()
    assert {step[2] for step in ticked(events)} <= {"open", "due"}
    assert one.score == 0
    # The next words are treated as if the others had never been.
    fresh = session(practice)
    fresh.hear(heard("", 1, final=True))
    fresh.advance(Watermark(CALL, 30_000, 30_000))
    again = heard("我要投诉你们", 1, True, Party.CUSTOMER, "u2", 31_000)
    shown = [type(e).__name__ for e in one.hear(again)]
    assert shown == [type(e).__name__ for e in fresh.hear(again)]


@settings(SLOW, max_examples=25)
@given(data=st.data(), texts=st.lists(TEXTS, min_size=1, max_size=4), ghost=TEXTS)
def test_words_that_were_never_said_leave_no_trace(
    practice: Rulebook, data: st.DataObject, texts: list[str], ghost: str
) -> None:
    """A second pass takes an utterance back: counts, scores, deadlines, steps are as without it."""
    plain, haunted = session(practice), session(practice)
    expected: list[RuleEvent] = []
    events: list[RuleEvent] = []
    when = data.draw(st.integers(0, len(texts) - 1))
    gone = data.draw(st.integers(when, len(texts) - 1))
    whose = data.draw(st.sampled_from([Party.AGENT, Party.CUSTOMER]))
    clock, heard_at = 0, 0
    for i, text in enumerate(texts):
        if i == when:
            heard_at = clock
            events += haunted.hear(heard(ghost, 1, False, whose, "ghost", heard_at))
            events += haunted.hear(heard(ghost, 2, True, whose, "ghost", heard_at))
        last = heard(text, 1, True, (Party.AGENT, Party.CUSTOMER)[i % 2], f"u{i}", clock)
        clock = last.end_ms + data.draw(st.sampled_from([300, 2_000, 9_000]))
        for one, found in ((plain, expected), (haunted, events)):
            found += one.hear(last)
            found += one.advance(Watermark(CALL, clock, clock))
        if i == gone:
            events += haunted.hear(heard("", 3, True, whose, "ghost", heard_at))
    for one, found in ((plain, expected), (haunted, events)):
        found += one.advance(Watermark(CALL, clock + 20_000, clock + 20_000))
    assert facts(events) == facts(expected)
    assert ticked(events) == ticked(expected)
    assert promised(events) == promised(expected)
    assert haunted.score == plain.score
    for one, found in ((plain, expected), (haunted, events)):
        found += one.end(clock + 20_000)
    assert facts(events) == facts(expected)


WILD = st.one_of(st.integers(-(10**18), 10**18), st.integers(0, 100_000), st.floats(), st.none())


@SLOW
@given(data=st.data())
def test_no_input_breaks_a_session(practice: Rulebook, data: st.DataObject) -> None:
    one = RuleSession(practice, CallInfo(CallId("c")))
    draw = data.draw
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.integers(0, 4))
        if kind <= 1:
            text = draw(st.one_of(st.text(max_size=40), TEXTS))
            one.hear(
                Transcript(
                    draw(st.sampled_from([CALL, CallId("other")])),
                    draw(st.sampled_from(list(Party))),
                    draw(st.sampled_from(["u1", "u2", ""])),
                    draw(WILD),  # type: ignore[arg-type]
                    text,
                    draw(WILD),  # type: ignore[arg-type]
                    (),
                    draw(st.booleans()),
                    draw(WILD),  # type: ignore[arg-type]
                    draw(WILD),  # type: ignore[arg-type]
                    draw(WILD),  # type: ignore[arg-type]
                )
            )
        elif kind == 2:
            one.advance(Watermark(CALL, draw(WILD), draw(WILD)))  # type: ignore[arg-type]
        elif kind == 3:
            name = draw(st.sampled_from(["rate", "speaking", "nonsense"]))
            value = draw(WILD)
            one.measure(Metric(CALL, Party.AGENT, name, value, draw(WILD)))  # type: ignore[arg-type]
        else:
            one.feedback(draw(st.text(max_size=3)), draw(st.text(max_size=9)), draw(WILD))  # type: ignore[arg-type]
    one.end(draw(WILD))  # type: ignore[arg-type]
