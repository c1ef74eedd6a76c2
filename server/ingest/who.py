"""Who is on a call that a telephone system announces. Pure.

Telephone systems name things as they like and add fields with every version, so what is not
known here is passed over; what is known has to have the right shape.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from asr.events import CallId, Party
from assist_rules.events import CallInfo
from server.ingest.hello import Name

Number = Annotated[str, Field(max_length=128)]


class Who(BaseModel):
    """What metadata may say of a call, under the names that are in use."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    agent: Name | None = Field(None, validation_alias=AliasChoices("agent", "agentId", "agent_id"))
    queue: Name | None = None
    tier: Name | None = None
    brand: Name | None = None
    extension: Number | None = None
    to: Number | None = None
    attributes: Annotated[
        dict[Name, Annotated[str, Field(max_length=256)]], Field(max_length=32)
    ] = {}

    def info(self, call: str, agents: Mapping[str, str]) -> CallInfo:
        """The call; ``agents`` says who sits at an extension or serves a queue.

        Without an agent the call stays unbound.
        """
        places = (self.extension, self.to, self.queue)
        agent = self.agent or next((agents[p] for p in places if p and p in agents), None)
        return CallInfo(
            CallId(call), agent, self.queue, self.tier, self.brand, dict(self.attributes)
        )


def call_id(name: str | None) -> str:
    """A telephone system's id of a call in letters that our ids may have; a new one for none."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name or "")[:64].strip("-") or f"call-{uuid.uuid4()}"


def pair(names: str) -> tuple[Party, ...]:
    """``customer,agent`` as parties in the order of the channels."""
    return tuple(Party(name) for name in names.split(","))


def flat(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """The sources in one, later ones first in rank; ``metadata`` inside one counts as its own."""
    merged: dict[str, Any] = {}
    for source in sources:
        merged |= source
        inner = source.get("metadata")
        if isinstance(inner, Mapping):
            merged |= inner
    return merged
