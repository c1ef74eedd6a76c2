"""Every way in, and the action that it is: the one table of routes and sockets.

An address that is not in here lets only administrators in, and a test fails that names it.
"""

from __future__ import annotations

PUBLIC = "public"
"""Anybody may: what tells nothing of calls, and signing in itself."""

DOORS: dict[tuple[str, str], str] = {
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): "metrics.read",
    ("GET", "/v1/asyncapi.yaml"): PUBLIC,
    ("GET", "/v1/session"): PUBLIC,
    ("POST", "/v1/session"): PUBLIC,
    ("DELETE", "/v1/session"): PUBLIC,
    ("GET", "/v1/session/ways"): PUBLIC,
    ("GET", "/v1/session/provider"): PUBLIC,
    ("GET", "/v1/session/provider/callback"): PUBLIC,
    ("POST", "/v1/tickets"): "ticket.get",
    ("GET", "/v1/users"): "users.manage",
    ("POST", "/v1/users"): "users.manage",
    ("PATCH", "/v1/users/{user}"): "users.manage",
    ("DELETE", "/v1/users/{user}"): "users.manage",
    ("GET", "/v1/teams"): "teams.read",
    ("PUT", "/v1/teams"): "teams.write",
    ("GET", "/v1/queue-map"): "teams.read",
    ("PUT", "/v1/queue-map"): "teams.write",
    ("GET", "/v1/audit"): "audit.read",
    ("GET", "/v1/calls"): "call.read",
    ("GET", "/v1/calls/{call}"): "call.read",
    ("PUT", "/v1/calls/{call}/agent"): "call.bind",
    ("POST", "/v1/calls/{call}/actions"): "call.act",
    ("POST", "/v1/calls/{call}/whispers"): "call.whisper",
    ("GET", "/v1/calls/{call}/audio"): "call.listen",
    ("POST", "/v1/calls/{call}/marks"): "mark.write",
    ("GET", "/v1/marks.jsonl"): "mark.read",
    ("GET", "/v1/archive"): "archive.read",
    ("GET", "/v1/archive/{call}"): "archive.read",
    ("GET", "/v1/archive/{call}/export"): "archive.read",
    ("GET", "/v1/rules"): "rules.read",
    ("GET", "/v1/desk/packs"): "desk.use",
    ("GET", "/v1/desk/packs/{pack}/{file:path}"): "desk.use",
    ("PUT", "/v1/desk/drafts/{name}"): "desk.use",
    ("POST", "/v1/desk/drafts/{name}/check"): "desk.use",
    ("POST", "/v1/desk/drafts/{name}/trial"): "desk.use",
    ("POST", "/v1/desk/drafts/{name}/publish"): "desk.use",
    ("POST", "/v1/desk/rollback"): "desk.use",
    ("GET", "/v1/desk/versions"): "desk.use",
    ("POST", "/v1/desk/form"): "desk.use",
    ("GET", "/v1/demo/recordings"): "demo.see",
    ("POST", "/v1/demo/replays"): "demo.replay",
    ("SOCKET", "/v1/audio"): "audio.push",
    ("SOCKET", "/v1/agent"): "widget.watch",
    ("SOCKET", "/v1/board"): "board.watch",
    ("SOCKET", "/"): "audio.push",
    ("SOCKET", "/v1/telephony/l16"): "audio.push",
    ("SOCKET", "/v1/telephony/twilio"): "audio.push",
    ("SOCKET", "/v1/telephony/funasr"): "audio.push",
    ("SOCKET", "/v1/telephony/audiohook"): "audio.push",
}
"""Method (``SOCKET`` for a websocket) and path, as the application declares it, to the action."""

TICKETS = {"audio.push": "audio", "widget.watch": "agent", "board.watch": "board"}
"""What a ticket has to be for, by the action of the socket that it opens."""


def action_of(method: str, path: str) -> str:
    """The action of a door; ``anything``, which is the administrators', for one we do not know."""
    return DOORS.get((method, path), "anything")
