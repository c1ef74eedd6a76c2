"""Numbers as people say them on the telephone: amounts, dates, clock times, digit strings."""

from __future__ import annotations

import random

DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")


def integer(value: int) -> str:
    """1236 -> 一千二百三十六; 10500 -> 一万零五百; 15 -> 十五."""
    if value == 0:
        return DIGITS[0]
    if value >= 10_000:
        high, low = divmod(value, 10_000)
        gap = DIGITS[0] if 0 < low < 1_000 else ""
        return integer(high) + "万" + gap + (integer(low) if low else "")
    said, skipped = "", False
    text = str(value)
    for index, digit in enumerate(text):
        if digit == "0":
            skipped = bool(said)
            continue
        said += (DIGITS[0] if skipped else "") + DIGITS[int(digit)] + _UNITS[len(text) - 1 - index]
        skipped = False
    return said[1:] if said.startswith("一十") else said


def digits(rng: random.Random, count: int) -> str:
    """A digit string; a third of them say 幺 for one."""
    text = "".join(rng.choice(DIGITS) for _ in range(count))
    return text.replace("一", "幺") if rng.random() < 0.35 else text


def phone(rng: random.Random) -> str:
    """A mobile number, sometimes in groups with pauses, or a landline."""
    if rng.random() < 0.1:
        return "零" + digits(rng, 2) + digits(rng, 8)
    text = "一" + rng.choice("三五七八九") + "".join(rng.choice(DIGITS) for _ in range(9))
    if rng.random() < 0.5:
        text = text.replace("一", "幺")
    if rng.random() < 0.4:
        return f"{text[:3]},{text[3:7]},{text[7:]}"
    return text


def amount(rng: random.Random) -> str:
    """A whole number with the sizes that bills and kilometres have."""
    size = rng.random()
    if size < 0.35:
        return integer(rng.randint(1, 99))
    if size < 0.5:
        return integer(rng.randint(1, 30) * 10)
    if size < 0.75:
        return integer(rng.randint(100, 999))
    if size < 0.85:
        value = rng.randint(1, 9)
        return (
            rng.choice("两三四五六七八九") + rng.choice("百千") + (DIGITS[value] if value else "")
        )
    if size < 0.93:
        return integer(rng.randint(1000, 9999))
    return (
        rng.choice(("一", "两", "三", "五", "六", "八", "十", "十二"))
        + "万"
        + rng.choice(("", "多"))
    )


def money(rng: random.Random) -> str:
    """An amount of money, often with a fraction."""
    text = amount(rng)
    if rng.random() < 0.25:
        text += "点" + "".join(rng.choice(DIGITS) for _ in range(rng.choice((1, 2))))
    return text


def date(rng: random.Random) -> str:
    """A day, with or without its year."""
    month = integer(rng.randint(1, 12))
    day = integer(rng.randint(1, 31))
    text = f"{month}月{day}{rng.choice('号号日')}"
    kind = rng.random()
    if kind < 0.25:
        year = "二零" + rng.choice("一二") + rng.choice(DIGITS)
        return f"{year}年{text}"
    if kind < 0.4:
        return rng.choice(("今年", "去年", "明年", "前年", "上个月", "这个月")) + text
    if kind < 0.5:
        return f"{day}号"
    return text


def clock(rng: random.Random) -> str:
    """A time of day."""
    hour = rng.choice(("一", "两", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"))
    part = rng.choice(("", "", "早上", "上午", "下午", "晚上", "中午"))
    tail = rng.choice(("", "", "半", "钟", "一刻", "三刻", "左右", "以前", "以后"))
    if rng.random() < 0.12:
        tail = integer(rng.choice((5, 10, 15, 20, 25, 35, 40, 45, 50))) + "分"
    if rng.random() < 0.12:
        later = rng.choice(("三", "四", "五", "六", "十", "十一", "十二"))
        return f"{part}{hour}点到{later}点"
    return f"{part}{hour}点{tail}"
