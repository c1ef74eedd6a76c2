"""Is the phrase meant as it sounds? Negation, quotation, condition, question, word boundary.

All look at a few characters around a hit in unpunctuated text; punctuation, where a recogniser
gives it, only ends a clause earlier. Words here are in normalised form (您=你, 得=的, 一=1).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import rjieba

from assist_rules.engine.text import Text, norm

CONTEXT = 6
HOLD = 2
"""Characters to the right that decide a word boundary in all but 0.3 % of cases."""


def _words(text: str) -> tuple[str, ...]:
    """Normalised words, the longest first, so that 没有 is met before 没."""
    return tuple(sorted({norm(w) for w in text.split()}, key=lambda w: (-len(w), w)))


def _by_length(words: tuple[str, ...]) -> tuple[tuple[int, frozenset[str]], ...]:
    """The same words by their length, the longest first."""
    lengths = sorted({len(w) for w in words}, reverse=True)
    return tuple((n, frozenset(w for w in words if len(w) == n)) for n in lengths)


# Words that may stand between a negation and what it negates.
_LIGHT = _words(
    """
    想 要 会 打 找 过 过要 打算 准备 是 用 必 去 来 再 敢 肯 愿 愿意 太 很 怎么 那么 这么 这样 必须 需要 值得
    至于 怕 说 觉得 感觉 认为 能 可能 应该 为了 有 什么 任何 的 在 跟你 跟你们 给你 给你们 对你 对你们 向你
    向你们 我 我们 因为 被 特别 非常 真的 真 就是 算 所谓 存在 出现 发生 有过 到 这种 那种 让我 叫我 专门 故意
    一定 直接 完全 根本 都 全 也 接到 遇到 看到 听到 收到 听说 见过
    """
)
_NEGATORS = _words(
    """
    不是 不要 不用 不想 不会 不必 不需要 没有 没 不 并非 未 无 勿 无需 无须 免 从未 撤销 取消 撤回 避免 防止 以免
    """
)
_LIGHT_BY_LENGTH = _by_length(_LIGHT)
_NEGATORS_BY_LENGTH = _by_length(_NEGATORS)
REACH_RIGHT = CONTEXT
"""Characters after a hit that the guards look at."""
# Words that only look like a negation.
_NOT_NEGATORS = _words(
    """
    不好意思 不管 不但 不仅 不过 不如 不然 不行 不妨 不料 不断 不停 不光 不只 不爽 没法 没办法 没准 没错 不错
    不久 不少 无论 无非 未来 不信
    """
)
# Before 不 these make another word: 要不, 只不, 对不起, 了不, 动不动.
_ODD_BEFORE = frozenset(_words("要 能 可 差 好 是 岂 莫 非 只 对 了 受 动 管"))
_RHETORICAL = _words(
    "这不是 这不就是 难道不是 可不是 岂不是 还不是 你不是 你们不是 那不是 不就是 那不就是 怎么不是"
)
_AFTER_NO = _words(
    "不了 不成 不起来 就不用了 就不必了 就算了 倒不至于 就免了 已经撤 撤销 撤了 撤掉"
)
_REPORT = _words(
    """
    他说 他们说 人家说 你说 你们说 你刚才说 客服说 客户说 师傅说 同事说 车主说 上次说 上次那个说 别人说 所谓 网上说
    有人说 有的人说 用户说 说过 提到 提示 显示 叫做 称
    """
)
_IF = _words("如果 要是 假如 假设 倘若 万一 若是 如果说 只要 除非 不然 否则 再不 要不 若")
_ASK_BEFORE = _words(
    """
    会不会 是不是 有没有 能不能 可不可以 可以 怎么 如何 哪里 什么时候 多少 是否 为什么会 什么情况下 怎样
    """
)
_ASK_AFTER = _words("吗 么 怎么办 是什么 有什么 多少 在哪 可以吗 行不行 呢")


def negations(text: Text, norm_text: str, parts: tuple[tuple[int, int], ...]) -> int:
    """How many negations bear on a phrase; odd means that the opposite was said.

    They stand before it, in its gaps, or right after it.
    """
    start, end = parts[0][0], parts[-1][1]
    after = norm_text[end : end + 4]
    floor = _clause_start(text, max(0, start - 16), start)
    count = _negations_before(norm_text[floor:start], norm_text[start], after)
    for (_, before), (part, _) in pairwise(parts):
        if part > before:
            floor = _clause_start(text, before, part)
            count += _negations_before(norm_text[floor:part], norm_text[part], after)
    if after.startswith(_AFTER_NO):
        count += 1
    return count


def _clause_start(text: Text, floor: int, at: int) -> int:
    """Where the clause before ``at`` begins, as far as punctuation tells."""
    if isinstance(text.places, range):
        return floor
    while at > floor and not text.breaks_before(at):
        at -= 1
    return at


@lru_cache(maxsize=8192)
def _negations_before(window: str, first: str, after: str) -> int:
    """Negations at the end of ``window``; ``first`` follows it, ``after`` follows the phrase."""
    count = 0
    at = len(window)
    light = 0
    while at > 0 and light <= 4:
        word = _word_before(window, at, _NEGATORS_BY_LENGTH)
        if word and not _is_idiom(window, at, word):
            following = window[at : at + 1] or first
            if _is_choice(window, at - len(word), word, following):
                return 0
            if not _is_rhetorical(window, at, after):
                count += 1
            at -= len(word)
            light = 0
            continue
        word = _word_before(window, at, _LIGHT_BY_LENGTH)
        if not word:
            break
        at -= len(word)
        light += 1
    return count


def is_choice(norm_text: str, start: int) -> bool:
    """Does the phrase begin inside a 要不要, 能不能, 有没有?"""
    return (
        start > 0
        and norm_text[start] in "不没"
        and norm_text[start - 1] == norm_text[start + 1 : start + 2]
    )


def _word_before(window: str, at: int, words: tuple[tuple[int, frozenset[str]], ...]) -> str:
    for length, known in words:
        if length <= at and window[at - length : at] in known:
            return window[at - length : at]
    return ""


def _is_idiom(norm_text: str, at: int, word: str) -> bool:
    """Is the negator part of another word: 不好意思, 特别, 要不, 对不起?"""
    start = at - len(word)
    for idiom in _NOT_NEGATORS:
        inside = idiom.find(word)
        if inside >= 0 and norm_text.startswith(idiom, start - inside) and start - inside >= 0:
            return True
    return word == "不" and norm_text[start - 1 : start] in _ODD_BEFORE and start > 0


def _is_choice(norm_text: str, start: int, word: str, after: str) -> bool:
    """要不要, 是不是, 会不会: a question, not a negation."""
    before = norm_text[start - 1 : start] if start > 0 else ""
    if not before:
        return False
    return before == (word[1:2] if len(word) > 1 else after)


def _is_rhetorical(window: str, at: int, after: str) -> bool:
    """这不是骗人吗 affirms."""
    if not window[max(0, at - 5) : at].endswith(_RHETORICAL):
        return False
    return "吗" in after or "么" in after or "就是" in window[max(0, at - 2) : at]


def reported(norm_text: str, start: int) -> bool:
    """Is somebody else quoted: 他说…, 上次那个客服说…?"""
    return _has_report(norm_text[max(0, start - 8) : start])


@lru_cache(maxsize=4096)
def _has_report(window: str) -> bool:
    return any(word in window for word in _REPORT)


def conditional(norm_text: str, start: int, end: int) -> bool:
    """Is it said under a condition: 如果…, 再不…就…?"""
    return norm_text.startswith("的话", end) or _has_if(norm_text[max(0, start - 12) : start])


@lru_cache(maxsize=4096)
def _has_if(window: str) -> bool:
    return any(word in window for word in _IF)


def asked(norm_text: str, start: int, end: int) -> bool:
    """Is it only asked: 会不会…, …吗?"""
    return _asks_after(norm_text[end : end + 4]) or _asks_before(
        norm_text[max(0, start - 6) : start]
    )


@lru_cache(maxsize=4096)
def _asks_before(window: str) -> bool:
    return any(word in window for word in _ASK_BEFORE)


@lru_cache(maxsize=4096)
def _asks_after(window: str) -> bool:
    return any(word in window for word in _ASK_AFTER)


def ends_where_words_end(text: Text, start: int, end: int, length: int) -> bool:
    """Do words begin at ``start`` and end at ``end``? ``length``: how much of the text counts."""
    left = text.places[max(0, start - CONTEXT)]
    right = text.places[min(length, end + CONTEXT) - 1] + 1
    first, last = text.raw_span(start, end)
    return _cut_at(text.raw[left:right], first - left, last - left)


@lru_cache(maxsize=4096)
def _cut_at(window: str, start: int, end: int) -> bool:
    at = 0
    edges = {0}
    for word in rjieba.cut(window, False):
        at += len(word)
        edges.add(at)
    return start in edges and end in edges


@lru_cache(maxsize=4096)
def in_real_word(window: str, place: int) -> bool:
    """Does the character at ``place`` belong to a word of two and more characters?"""
    at = 0
    for word in rjieba.cut(window, False):
        if at <= place < at + len(word):
            return len(word) > 1
        at += len(word)
    return False
