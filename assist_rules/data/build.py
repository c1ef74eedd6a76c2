"""Write the character tables beside this file: traditional to simplified, and toneless sounds.

Run by hand when a source is updated: ``python -m assist_rules.data.build``. It needs
``opencc-python-reimplemented`` (Apache-2.0, only here) and ``pypinyin`` (MIT).
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
FIRST, LAST = 0x4E00, 0x9FA5


def traditional() -> str:
    """One line per simplified character: it, then the traditional ones that become it."""
    # Found by name: only whoever rebuilds the tables has it installed.
    package = importlib.util.find_spec("opencc")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent / "dictionary" / "TSCharacters.txt"
    table: dict[str, list[str]] = defaultdict(list)
    for line in source.read_text(encoding="utf-8").splitlines():
        old, _, new = line.partition("\t")
        target = new.split(" ")[0]
        if len(old) == len(target) == 1 and ord(old) <= 0xFFFF and old != target:
            table[target].append(old)
    return "".join(f"{new}{''.join(sorted(table[new]))}\n" for new in sorted(table))


def sounds() -> str:
    """One line per toneless syllable: it, a space, the characters whose first reading it is."""
    from pypinyin import Style, lazy_pinyin

    table: dict[str, list[str]] = defaultdict(list)
    for code in range(FIRST, LAST + 1):
        (syllable,) = lazy_pinyin(chr(code), style=Style.NORMAL, v_to_u=False)
        if syllable.isascii() and syllable.isalpha():
            table[syllable].append(chr(code))
    return "".join(f"{sound} {''.join(chars)}\n" for sound, chars in sorted(table.items()))


if __name__ == "__main__":
    (HERE / "traditional.txt").write_text(traditional(), encoding="utf-8")
    (HERE / "sounds.txt").write_text(sounds(), encoding="utf-8")
