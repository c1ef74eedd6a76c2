"""Masking: same length, offsets hold, nothing shown early that is hidden late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.privacy.mask import HIDDEN, KINDS, Policy, mask

HIDES = [
    ("我的手机号是13800576219谢谢", "13800576219"),
    ("幺三八零零五七六二幺九我跟你说", "幺三八零零五七六二幺九"),
    ("幺三八嗯零零五七啊六二幺九", "幺三八零零五七六二幺九"),
    ("138 0057 6219", "13800576219"),
    ("座机是０１０－８７６５４３２１".replace("－", "-"), "０１０８７６５４３２１"),
    ("尾号是六二幺九的那个", "六二幺九"),
    ("验证码是 4 8 1 9 2 6", "481926"),
    ("身份证11010519491231002X对吧", "11010519491231002X"),
    ("身份证幺幺零幺零五幺九四九幺二三幺零零二叉", "幺幺零幺零五幺九四九幺二三幺零零二叉"),
    ("卡号6222 0212 3456 7890 123", "6222021234567890123"),
    ("车牌京A·12345", "12345"),
    ("车牌是粤B幺二三四五", "幺二三四五"),
    ("邮箱zhang.san88@example.com", "zhang.san88example.com"),
    ("住在建国路88号3单元502室", "883502"),
    ("家在和平小区十二号楼", "十二"),
]
SHOWS = [
    "你们打了三次电话都没人接",
    "上个月二十号报修的到今天七天了",
    "一百九十九块的套餐",
    "三七二十一我不管",
    "您好这里是鹏程通信客服中心",
    "拨打10086就可以",
    "今天晚上十二点之前",
    "3月15号投诉你们",
    "",
]


@pytest.mark.parametrize(("text", "secret"), HIDES)
def test_hides_what_is_personal(text: str, secret: str) -> None:
    masked = mask(text)
    assert "".join(a for a, b in zip(text, masked, strict=True) if a != b) == secret


@pytest.mark.parametrize("text", SHOWS)
def test_leaves_the_rest_alone(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_is_not_asked_for_stays(kind: str) -> None:
    alone = {
        "phone": "13800576219",
        "id_card": "",
        "bank_card": "6222021234567890",
        "plate": "京A12345",
        "email": "a@b.cn",
        "address": "3单元502室",
    }[kind]
    rest = Policy(frozenset(k for k in KINDS if k != kind))
    assert mask(alone, rest) == alone
    assert alone == "" or mask(alone) != alone


PIECES = st.one_of(
    st.sampled_from(
        [
            "0",
            "1",
            "3",
            "8",
            "9",
            "零",
            "一",
            "幺",
            "三",
            "八",
            "九",
            "两",
            "十",
            "百",
            "０",
            "９",
            "嗯",
            "呃",
            "啊",
            "，",
            "、",
            "-",
            "·",
            "京",
            "粤",
            "A",
            "B",
            "z",
            "@",
            ".",
            "点",
            "x",
            "叉",
            "号",
            "楼",
            "单",
            "元",
            "室",
            "栋",
            "路",
            "区",
            "月",
            "手机",
            "电话",
            "号码",
            "身份证",
            "卡号",
            "尾号",
            "艾特",
            "at",
            "com",
            "我",
            "的",
            "是",
            "您好",
            "投诉",
        ]
    ),
    st.just(" "),
    st.sampled_from([text for text, _ in HIDES]),
)
TALK = st.lists(PIECES, max_size=24).map("".join)


@given(TALK)
def test_keeps_length_and_only_replaces(text: str) -> None:
    for growing in (False, True):
        masked = mask(text, growing=growing)
        assert len(masked) == len(text)
        assert all(b in (a, HIDDEN) for a, b in zip(text, masked, strict=True))
        # Masking what is masked shows nothing again.
        again = mask(masked, growing=growing)
        assert all(b == HIDDEN for a, b in zip(masked, again, strict=True) if a == HIDDEN)


@given(TALK)
def test_no_partial_shows_what_the_final_hides(text: str) -> None:
    final = mask(text)
    for end in range(len(text) + 1):
        partial = mask(text[:end], growing=True)
        shown = [
            i
            for i, char in enumerate(partial)
            if final[i] == HIDDEN and text[i] != HIDDEN and char != HIDDEN
        ]
        assert shown == [], (text[:end], partial, final)


@given(TALK)
def test_growing_text_hides_no_less_than_the_same_text_at_its_end(text: str) -> None:
    ended, growing = mask(text), mask(text, growing=True)
    assert all(g == HIDDEN for e, g in zip(ended, growing, strict=True) if e == HIDDEN)
