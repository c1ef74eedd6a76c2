"""Personal data in what people say, hidden character by character, so that offsets still hold.

Finds numbers however they are said: in digits, full-width digits, or spoken (幺三九…), with
pauses, separators and fillers between. Spaces and separators stay, digits and letters become
``*``. Text that may still grow is masked with more care: whatever could yet become a number is
hidden already, so that no earlier partial tells what a later one hides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["phone", "id_card", "bank_card", "plate", "email", "address"]
KINDS: tuple[Kind, ...] = get_args(Kind)
HIDDEN = "*"

_DIGIT = "0-9０-９零〇一幺二两三四五六七八九"
_BETWEEN = r"[\s,，、.。·\-—–_]{0,3}(?:[嗯呃额啊哦那个]{1,2}[\s,，、]{0,2})?"
_RUN = re.compile(rf"[{_DIGIT}](?:{_BETWEEN}[{_DIGIT}])*")
_LONG = 7
"""Digits in a row from which they are somebody's number, whatever was said before."""
_SHORT = 3
"""Digits in a row that are part of a number when the words before ask for one."""
_CUE = re.compile(
    r"手机|电话|号码|身份证|证件|卡号|银行卡|尾号|后四位|前三位|账号|帐号|密码|验证码|联系方式"
)
_CUE_REACH = 14
_ID_X = re.compile(r"[\s,，、]{0,2}[xX×叉]")
_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"(?<=[{_PROVINCE}])(?P<city>[A-Za-zＡ-Ｚ])[\s·.点-]?"
    rf"(?P<serial>(?:[A-Za-z{_DIGIT}][\s·]?){{4,5}}[A-Za-z{_DIGIT}])"
)
_MAIL_CHARS = r"A-Za-z0-9._%+\-"
_AT = r"(?:@|＠|艾特|at)"
_MAIL = re.compile(rf"[{_MAIL_CHARS}{_DIGIT}]+\s?{_AT}\s?[{_MAIL_CHARS}]*(?:点[A-Za-z]+)*")
_STREET = re.compile(r"[路街道巷弄村里镇区园苑厦庄]")
_STREET_REACH = 12
_COUNT = f"{_DIGIT}十百"
_HOUSE = re.compile(
    rf"[{_COUNT}]{{1,6}}(?=(?P<sure>弄|栋|幢|单元|室|号楼|号院|号门)|(?P<perhaps>号|楼|层|组|座))"
)
_DATE = re.compile(r"[年月日]$")

_GROWING = re.compile(rf"[A-Za-zＡ-Ｚ{_COUNT}{_MAIL_CHARS}xX×叉＠@]")
_BRIDGE = 7
"""Characters that may stand between digits of one number."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which kinds are hidden."""

    kinds: frozenset[Kind] = frozenset(KINDS)


ALL = Policy()


def mask(text: str, policy: Policy = ALL, growing: bool = False) -> str:
    """The text with personal data hidden, of the same length.

    ``growing``: more characters may follow. What the mask of any longer text hides of these
    characters is then hidden, too.
    """
    hidden = set(_positions(text, policy))
    if growing:
        hidden |= _tail(text)
    if not hidden:
        return text
    return "".join(HIDDEN if i in hidden else char for i, char in enumerate(text))


def _positions(text: str, policy: Policy) -> Iterator[int]:
    kinds = policy.kinds
    if kinds & {"phone", "id_card", "bank_card"}:
        yield from _numbers(text, kinds)
    if "plate" in kinds:
        for plate in _PLATE.finditer(text):
            yield from _solid(text, plate.start("serial"), plate.end("serial"))
    if "email" in kinds:
        for mail in _MAIL.finditer(text):
            yield from _mail(text, mail)
    if "address" in kinds:
        for house in _HOUSE.finditer(text):
            if house["sure"] or _after_street(text, house.start()):
                yield from range(house.start(), house.end())


def _numbers(text: str, kinds: frozenset[Kind]) -> Iterator[int]:
    for run in _RUN.finditer(text):
        start, end = run.span()
        places = [i for i in range(start, end) if re.match(f"[{_DIGIT}]", text[i])]
        count = len(places)
        if count == 17 and (x := _ID_X.match(text, end)):
            places.append(x.end() - 1)
            count = 18
        cued = _CUE.search(text, max(0, start - _CUE_REACH), start) is not None
        if count < (_SHORT if cued else _LONG):
            continue
        if _kinds_of(count) & kinds:
            yield from places


def _kinds_of(count: int) -> frozenset[Kind]:
    """What a number of that many digits may be; a part of a number may be of any kind."""
    if count in (15, 18):
        return frozenset(("id_card", "bank_card"))
    if count >= 13:
        return frozenset(("bank_card",))
    if count >= _LONG:
        return frozenset(("phone",))
    return frozenset(("phone", "id_card", "bank_card"))


def _solid(text: str, start: int, end: int) -> Iterator[int]:
    return (i for i in range(start, end) if not text[i].isspace() and text[i] != "·")


def _mail(text: str, mail: re.Match[str]) -> Iterator[int]:
    return (
        i for i in range(mail.start(), mail.end()) if re.match(f"[{_MAIL_CHARS}{_DIGIT}]", text[i])
    )


def _after_street(text: str, start: int) -> bool:
    before = text[max(0, start - _STREET_REACH) : start]
    return _STREET.search(before) is not None and _DATE.search(before) is None


def _tail(text: str) -> set[int]:
    """Places at the end that could become part of something to hide."""
    hidden: set[int] = set()
    since = 0
    for i in range(len(text) - 1, -1, -1):
        if _GROWING.match(text[i]):
            hidden.add(i)
            since = 0
            continue
        since += 1
        if since > _BRIDGE:
            break
    return hidden
