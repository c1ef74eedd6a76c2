"""Finds a customer's calls again without keeping the customer's number.

The archive holds a keyed hash; the key lies beside the data, readable by its owner only.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

FILE = "customer.key"


class CustomerKey:
    """The key of one data folder; made at the first use."""

    def __init__(self, folder: Path) -> None:
        """Raises ``OSError``."""
        path = folder / FILE
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32), "ascii")
        self._key = bytes.fromhex(path.read_text("ascii"))

    def hash(self, number: str) -> str:
        """Of a number however it is written: with spaces, dashes, ``+86``."""
        digits = re.sub(r"\D", "", number)
        if len(digits) > 11 and digits.startswith("86"):
            digits = digits[2:]
        content = (digits or number.strip()).encode("utf-8")
        return hashlib.blake2b(content, key=self._key, digest_size=16).hexdigest()

    def of(self, attributes: Mapping[str, str], name: str) -> str | None:
        """The hash of that attribute, if the call has it."""
        number = attributes.get(name, "")
        return self.hash(number) if number.strip() else None
