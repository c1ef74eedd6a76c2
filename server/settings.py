"""Every setting of the service, read once from a file and the environment, then never changed.

A TOML or YAML file named by ``--config`` or ``TINGBAN_CONFIG`` comes first; variables such as
``TINGBAN_PORT=8800`` or ``TINGBAN_AUDIO__IDLE_S=60`` override it; command line options override
both. No other file of this package looks at the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PREFIX = "TINGBAN_"


class SettingsError(ValueError):
    """A setting is wrong; the message names it and where it came from."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecogniserSettings(_Frozen):
    """How the recogniser listens."""

    precision: Literal["auto", "fp32", "bf16", "int8"] = Field(
        default="auto", description="of matrix products; auto: bf16 where the processor has it"
    )
    device: str = Field(
        default="cpu", description="where the model runs: cpu, or cuda, or cuda:1 of several"
    )
    chunk_ms: Literal[600, 480, 300] = Field(
        default=600,
        description="latency profile: shorter chunks give words earlier and cost more",
    )
    max_calls: int | None = Field(
        default=None, ge=1, description="calls at once; none: measured at the start"
    )
    second_pass: str = Field(
        default="off",
        description="hear finished utterances once more as a whole while there is time: `same` "
        "with the model that listens, or a model's name or directory; off: never",
    )
    hotwords: Path | None = Field(
        default=None, description="file of words to favour while listening, one a line"
    )


class AudioSocketSettings(_Frozen):
    """Sockets that bring audio."""

    hello_s: float = Field(default=10, gt=0, description="seconds a client has for its hello")
    idle_s: float = Field(
        default=30, gt=0, description="seconds without audio after which it is closed"
    )


class CallSettings(_Frozen):
    """The life of a call."""

    resume_s: float = Field(
        default=30, gt=0, description="seconds a call waits for its lost client"
    )
    linger_s: float = Field(
        default=600, ge=0, description="seconds an ended call can still be read"
    )
    drain_s: float = Field(
        default=10, ge=0, description="seconds that calls get to end at shutdown"
    )


class ViewerSettings(_Frozen):
    """Sockets of agents and boards."""

    queue_limit: int = Field(
        default=1_024, gt=15, description="messages that may wait for one viewer"
    )


class StoreSettings(_Frozen):
    """What is kept of calls, where, and for how long."""

    enabled: bool = Field(default=True, description="keep calls; False: all is gone at the end")
    directory: Path | None = Field(
        default=None,
        description="folder of outbox, archive and sound; none: `calls` in the user's data folder",
    )
    url: str | None = Field(
        default=None,
        description="PostgreSQL for the archive, `postgresql://USER:PASSWORD@HOST/DATABASE`; "
        "none: SQLite in the data folder",
    )
    outbox_mb: float = Field(
        default=1_024, ge=0.1, description="greatest size of the outbox while the archive is away"
    )
    memory_rows: int = Field(
        default=20_000, ge=10, description="events that may wait in memory for the disk"
    )
    ring_s: int = Field(
        default=180, ge=0, le=3_600, description="seconds of sound of a live call kept in memory"
    )
    audio: bool = Field(default=False, description="keep whole calls' sound on disk")
    keep_days: int | None = Field(
        default=180, ge=1, description="`tingban store prune` erases older calls; none: keeps them"
    )
    keep_audio_days: int | None = Field(default=30, ge=1, description="the same for their sound")
    customer_attribute: str = Field(
        default="number", description="attribute of a call that holds the customer's number"
    )


class PrivacySettings(_Frozen):
    """Personal data: masked in the store, on boards and for all who follow a call but its agent."""

    mask: tuple[Literal["phone", "id_card", "bank_card", "plate", "email", "address"], ...] = Field(
        default=("phone", "id_card", "bank_card", "plate", "email", "address"),
        description="kinds of personal data to hide, each character by `*`",
    )
    agent_sees: Literal["plain", "masked"] = Field(
        default="plain",
        description="what the agent's own widget is shown: the agent has to type it",
    )


def _networks(peers: str) -> str:
    for peer in filter(None, peers.split(",")):
        ip_network(peer.strip(), strict=False)
    return peers


class SiprecSettings(_Frozen):
    """A recording server for SIPREC; ``ingest/README.md`` shows how to connect clients."""

    port: int | None = Field(
        default=None, ge=0, le=65_535, description="UDP and TCP port for SIP; none: do not listen"
    )
    address: str | None = Field(
        default=None, description="our address as clients reach it; none: that of the connection"
    )
    rtp_ports: str = Field(
        default="20000-21999",
        pattern=r"^(0|\d{4,5}-\d{4,5})$",
        description="UDP ports for sound, four for a call of two parties; 0: any that is free",
    )
    peers: str = Field(
        default="",
        description="addresses or networks of the recording clients, with commas between; none: "
        "anywhere while access is open, else this machine",
    )
    sessions: int = Field(default=500, ge=1, description="recordings at once")
    hold_s: float = Field(
        default=3_600, gt=0, description="seconds that a call may be on hold without any sound"
    )
    agent_domains: str = Field(
        default="", description="SIP domains whose people are agents, with commas between"
    )
    order: Literal["customer,agent", "agent,customer"] = Field(
        default="customer,agent",
        description="whose stream comes first, where neither extension nor domain tells",
    )
    call_header: str = Field(
        default="",
        max_length=64,
        description="SIP header that holds the call's id; none: the session's of the metadata",
    )

    _peers_are_networks = field_validator("peers")(_networks)


class TelephonySettings(_Frozen):
    """Dialects of telephone systems; ``ingest/README.md`` shows how to connect each."""

    idle_s: float = Field(
        default=120, gt=0, description="seconds a call may be silent, e.g. on hold"
    )
    stereo: Literal["customer,agent", "agent,customer"] = Field(
        default="customer,agent", description="who speaks on which channel of a stereo stream"
    )
    agents: dict[str, str] = Field(
        default={}, description="the agent at an extension, at a number or in a queue"
    )
    audiosocket_port: int | None = Field(
        default=None, ge=0, le=65_535, description="TCP port for Asterisk; none: do not listen"
    )
    audiosocket_legs: Literal["order", "suffix"] = Field(
        default="order",
        description="two legs of a call have one UUID, the customer's connects first (order); or "
        "UUIDs that end in c for the customer and a for the agent (suffix)",
    )
    audiosocket_peers: str = Field(
        default="",
        description="addresses or networks from which Asterisk may connect, with commas between; "
        "none: anywhere while access is open, else this machine",
    )
    audiohook_keys: dict[str, str] = Field(
        default={},
        description="API keys of Genesys AudioHook, each with its client secret in base64, empty "
        "for unsigned requests; no keys: anyone may connect",
    )

    siprec: SiprecSettings = SiprecSettings()

    _peers_are_networks = field_validator("audiosocket_peers")(_networks)


class NodeSettings(_Frozen):
    """Several servers as one site."""

    redis: str | None = Field(
        default=None,
        description="Redis that joins the nodes, `redis://HOST:6379/0`; none: this server is all",
    )
    name: str | None = Field(
        default=None, description="what people call this node; none: its host and port"
    )
    url: str | None = Field(
        default=None,
        description="where clients reach this very node, `wss://calls.example/n/a`; none: its host "
        "and port",
    )
    prefix: str = Field(default="tingban", description="what all keys in Redis begin with")
    heartbeat_s: float = Field(default=1, gt=0, description="seconds between signs of life")
    lost_s: float = Field(
        default=4, gt=0, description="seconds without a sign of life after which a node is dead"
    )
    wait_s: float = Field(
        default=0.3, gt=0, description="longest wait of a call that begins for Redis"
    )
    queue_limit: int = Field(
        default=50_000, ge=100, description="messages that may wait for Redis; more are given up"
    )


class LogSettings(_Frozen):
    """What is written to stderr."""

    format: Literal["text", "json"] = Field(
        default="text", description="lines for people, or one JSON object a line"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="least urgent entries that are written"
    )


class DeskSettings(_Frozen):
    """The rule desk: drafts and published versions of rule packs."""

    directory: Path | None = Field(
        default=None, description="its folder; none: `desk` in the user's data folder"
    )
    gate: tuple[Path, ...] = Field(
        default=(),
        description="recorded calls in JSON lines, on which new packs may not flood agents",
    )
    watch_s: float = Field(
        default=5,
        ge=0,
        description="seconds between looks at the files of `rules`, which are read again when they "
        "change; 0: never",
    )


class SpikeSettings(_Frozen):
    """When many calls about the same thing are a spike."""

    calls: int = Field(default=5, ge=2, description="so many calls about the same thing")
    window_s: float = Field(default=600, gt=0, description="within so many seconds")
    factor: float = Field(
        default=3, gt=1, description="and so many times what is usual for that topic"
    )


class OidcSettings(_Frozen):
    """An OpenID Connect provider whose bearer tokens are believed."""

    issuer: str
    audience: str
    jwks_url: str | None = None
    """Where its keys are; ``None``: where its discovery document says."""
    user_claim: str = "preferred_username"
    role_claim: str = "roles"
    teams_claim: str = "teams"
    roles: dict[str, str] = {}
    """Our role for a role of the provider's, where they are not called the same."""
    client_id: str | None = None
    """Our name at the provider, with which people sign in at our pages; ``None``: they cannot."""
    client_secret: SecretStr | None = None
    """``None``: a public client, which PKCE alone protects."""
    scope: str = "openid profile"
    redirect_url: str | None = None
    """Our `/v1/session/provider/callback` as browsers reach it; ``None``: as the request says."""


class AccessSettings(_Frozen):
    """Who has to prove who they are, and how."""

    mode: Literal["open", "local", "oidc"] | None = Field(
        default=None,
        description="open: everybody may do everything; local: users of our own; oidc: tokens of "
        "a provider; none: open on a loopback address until the first user exists, then local",
    )
    file: Path | None = Field(
        default=None,
        description="SQLite file of users, teams and the audit log; none: `people.sqlite3` in the "
        "user's data folder",
    )
    session_s: float = Field(
        default=43_200, gt=0, description="seconds that a sign-in holds in a browser"
    )
    ticket_s: float = Field(
        default=30, gt=0, description="seconds in which a ticket opens its socket"
    )
    secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="signs our bearer tokens, at least 32 characters, the same on every node; "
        "none: made once and kept in the file",
    )
    origins: str = Field(
        default="",
        description="other sites whose pages may use sockets and REST and show ours in a frame, "
        "such as `https://desk.example`, with commas between",
    )
    audio_without_token: bool = Field(
        default=False,
        description="take audio from anybody who reaches the port, for a network of its own",
    )
    sign_in_tries: int = Field(
        default=5, gt=0, description="failed sign-ins after which an account or address waits"
    )
    sign_in_window_s: float = Field(
        default=300, gt=0, description="seconds for which a failed sign-in counts"
    )
    recheck_s: float = Field(
        default=15,
        gt=0,
        description="seconds after which an open page is asked again whether it may stay",
    )
    oidc: OidcSettings | None = Field(
        default=None,
        description="the provider: `issuer`, `audience`, `jwks_url`, `user_claim`, `role_claim`, "
        "`teams_claim`, `roles`; for signing in at pages `client_id`, `client_secret`, `scope`, "
        "`redirect_url`",
    )


class Settings(_Frozen):
    """What ``tingban serve`` and the application it builds need to know."""

    host: str = Field(
        default="127.0.0.1", description="address to bind; loopback unless told otherwise"
    )
    port: int = Field(default=8_765, ge=0, le=65_535, description="0 takes any free port")
    insecure_bind_anywhere: bool = Field(
        default=False,
        description="bind a host that others can reach although nobody has to log in yet",
    )
    asr: str = Field(default="bundled", description="name of a model, or the directory of one")
    rules: Path | None = Field(
        default=None, description="directory of rule packs; default: those shipped"
    )
    recordings: Path | None = Field(
        default=None,
        description="directory of recorded calls that pages may replay (demonstration only)",
    )
    recogniser: RecogniserSettings = RecogniserSettings()
    audio: AudioSocketSettings = AudioSocketSettings()
    calls: CallSettings = CallSettings()
    viewers: ViewerSettings = ViewerSettings()
    telephony: TelephonySettings = TelephonySettings()
    store: StoreSettings = StoreSettings()
    privacy: PrivacySettings = PrivacySettings()
    access: AccessSettings = AccessSettings()
    spike: SpikeSettings = SpikeSettings()
    desk: DeskSettings = DeskSettings()
    nodes: NodeSettings = NodeSettings()
    log: LogSettings = LogSettings()


def load(
    path: Path | None = None,
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force. ``options`` that are ``None`` were not given."""
    environ = os.environ if environ is None else environ
    named = environ.get(PREFIX + "CONFIG")
    path = path or (Path(named) if named else None)
    values = _of_file(path) if path else {}
    _merge(values, _of_environment(environ))
    _merge(values, {k: v for k, v in (options or {}).items() if v is not None})
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise SettingsError(f"setting {name}: {first['msg']}") from error


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where the server keeps what it is not told to keep elsewhere."""
    environ = os.environ if environ is None else environ
    home = environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "tingban"


def _of_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        parsed = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise SettingsError(f"{path}: expected a table of settings")
    return parsed


def _of_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, text in environ.items():
        path = name.removeprefix(PREFIX).lower().split("__")
        # Other parts of the service have variables of their own; ours are the known names.
        if not name.startswith(PREFIX) or path[0] not in Settings.model_fields:
            continue
        inner = values
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = text
    return values


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        known = into.get(key)
        if isinstance(value, Mapping) and isinstance(known, dict):
            _merge(known, value)
        else:
            into[key] = value
