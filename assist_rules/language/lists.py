"""Named lists of phrases, which any rule of any loaded pack may use as ``@name``."""

from __future__ import annotations

from dataclasses import dataclass, field

from assist_rules.errors import Place
from assist_rules.language.phrase import PhraseError
from assist_rules.language.source import Node, Reader, suggest

MAX_DEPTH = 8


@dataclass(slots=True)
class ListBook:
    """All named lists; names are unique over all packs."""

    phrases: dict[str, list[str]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    _open: list[str] = field(default_factory=list)

    def add(self, name: str, node: Node, reader: Reader) -> None:
        if name in self.phrases:
            what = f"the list {name} already stands at {self.places[name]}"
            reader.wrong(node, what, "choose another name, or add to that list")
            return
        self.phrases[name] = reader.texts(node)
        self.places[name] = reader.place(node)

    def look_up(self, name: str) -> list[str]:
        """The phrases of a list; raises ``PhraseError`` when there is none of that name."""
        if name not in self.phrases:
            raise PhraseError(f"no list is called @{name}", suggest(name, self.phrases))
        if name in self._open or len(self._open) > MAX_DEPTH:
            raise PhraseError(f"the list @{name} contains itself", "take it out")
        self.used.add(name)
        return self.phrases[name]

    def flatten(self, phrase: str) -> list[str]:
        """The phrase, or, where it is nothing but ``@name``, each phrase of that list."""
        if "@" not in phrase:
            return [phrase]
        name = phrase.strip()[1:]
        plain = name.replace(".", "").replace("_", "")
        if not phrase.strip().startswith("@") or not plain.isalnum() or not name.isascii():
            return [phrase]
        found: list[str] = []
        phrases = self.look_up(name)
        self._open.append(name)
        try:
            for inner in phrases:
                found.extend(self.flatten(inner))
        finally:
            self._open.pop()
        return found
