"""The first message of the native audio socket: what call this is and how its audio is coded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from asr.audio.codec import Codec
from asr.events import CallId, Party
from assist_rules.events import CallInfo
from server.refusals import Refusal

Name = Annotated[str, Field(min_length=1, max_length=64)]
PARTIES = (["agent", "customer"], ["customer", "agent"], ["agent"], ["customer"], ["unknown"])


class Hello(BaseModel):
    """What a client says of its call. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    type: Literal["hello"]
    v: Literal[1]
    call: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    parties: list[str]
    codec: Codec
    rate: Annotated[int, Field(ge=8_000, le=48_000)]
    agent: Name | None = None
    queue: Name | None = None
    tier: Name | None = None
    brand: Name | None = None
    attributes: Annotated[
        dict[Name, Annotated[str, Field(max_length=256)]], Field(max_length=32)
    ] = {}

    @field_validator("parties")
    @classmethod
    def _known_parties(cls, parties: list[str]) -> list[str]:
        if parties not in PARTIES:
            raise ValueError(f"use one of {', '.join(map(str, PARTIES))}")
        return parties

    def roles(self) -> tuple[Party, ...]:
        """The parties in the order of the channels."""
        return tuple(Party(party) for party in self.parties)

    def info(self) -> CallInfo:
        """What rules and viewers are told of the call."""
        return CallInfo(
            CallId(self.call), self.agent, self.queue, self.tier, self.brand, self.attributes
        )


def read(text: str) -> Hello:
    """The hello of a text message. Raises :class:`Refusal` that names the wrong fields."""
    try:
        return Hello.model_validate_json(text)
    except ValidationError as error:
        raise refusal(error, "bad_hello") from None


def refusal(error: ValidationError, code: str) -> Refusal:
    """Which fields are wrong and how, without the rest of the message."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return Refusal("not_json", "send one JSON object; " + problems[0]["msg"])
    named = [f"{'.'.join(map(str, p['loc'])) or 'message'}: {p['msg']}" for p in problems[:3]]
    return Refusal(code, "; ".join(named))
