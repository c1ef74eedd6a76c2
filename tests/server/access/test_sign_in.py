"""Signing in: passwords, cookies, the first link, tickets, tokens, and how each of them ends."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.access.access import COOKIE
from server.access.people import User
from server.access.roles import Role
from tests.server.access.house import PASSWORD, access_of, client, header, house, settings
from tests.server.running import Running, message, running


async def sign_in(http: httpx.AsyncClient, user: str, password: str = PASSWORD) -> httpx.Response:
    return await http.post("/v1/session", json={"user": user, "password": password})


async def first(address: str, **options: object) -> dict[str, object]:
    async with connect(address, **options) as socket:  # type: ignore[arg-type]
        return await message(socket)


async def test_a_password_opens_a_session_that_ends_with_signing_out() -> None:
    async with house() as server, client(server) as http:
        assert (await http.get("/v1/session")).status_code == 401
        answer = await sign_in(http, "lead")
        assert answer.json()["teams"] == ["north"]
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        kept = dict(http.cookies)
        assert (await http.get("/v1/session")).json()["user"] == "lead"
        assert (await http.delete("/v1/session")).status_code == 204
        http.cookies.update(kept)
        assert (await http.get("/v1/calls")).status_code == 401


@pytest.mark.parametrize(
    ("user", "password"), [("lead", "wrong password"), ("nobody", PASSWORD), ("pbx", PASSWORD)]
)
async def test_a_wrong_password_tells_nothing_of_the_user(user: str, password: str) -> None:
    async with house() as server, client(server) as http:
        answer = await sign_in(http, user, password)
        assert answer.status_code == 401
        assert answer.json()["error"] == {
            "code": "wrong_password",
            "message": "user or password is wrong",
        }
        assert COOKIE not in http.cookies


async def test_who_guesses_has_to_wait_and_others_do_not() -> None:
    async with house(sign_in_tries=2) as server, client(server) as http:
        for _ in range(2):
            assert (await sign_in(http, "lead", "guess" * 2)).status_code == 401
        refused = await sign_in(http, "lead")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert (await sign_in(http, "eng")).status_code == 200
        seen = access_of(server).people.audited(user="lead")
        assert [entry.action for entry in seen] == ["sign_in_failed"] * 2


async def test_the_first_link_makes_one_administrator_and_closes_the_door() -> None:
    async with running(settings=settings()) as server, client(server) as http:
        link = access_of(server).offer_link()
        assert (await http.post("/v1/session", json={"link": "guess"})).status_code == 401
        async with connect(f"{server.ws}/v1/board") as open_board:
            await message(open_board)
            answer = await http.post("/v1/session", json={"link": link})
            assert (answer.json()["role"], answer.json()["access"]) == ("admin", "local")
            async with client(server) as stranger:
                again = await stranger.post("/v1/session", json={"link": link})
                assert again.status_code == 401
                assert (await stranger.get("/v1/calls")).status_code == 401
            change = await http.patch("/v1/users/admin", json={"password": PASSWORD})
            assert change.status_code == 200
        # The password ended the session of the link, as any new password does.
        assert (await http.get("/v1/users")).status_code == 401
        assert (await sign_in(http, "admin")).status_code == 200


async def test_a_page_left_open_is_closed_when_its_owner_may_no_longer_see_it() -> None:
    async with house(recheck_s=0.05) as server:
        headers = header(server, "lead")
        async with connect(f"{server.ws}/v1/board", additional_headers=headers) as board:
            assert (await message(board))["type"] == "hello"
            access_of(server).people.change("lead", {"active": False})
            code = await closing(board)
        assert code == 4401


async def closing(socket: ClientConnection) -> int:
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 20)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


async def test_a_ticket_opens_its_socket_once() -> None:
    async with house() as server, client(server, "lead") as http:
        ticket = (await http.post("/v1/tickets", json={"for": "board"})).json()["ticket"]
        address = f"{server.ws}/v1/board?ticket={ticket}"
        # Held up at another door it is gone as well.
        assert (await first(address))["type"] == "hello"
        assert (await first(address))["code"] == "unauthorized"
        other = (await http.post("/v1/tickets", json={"for": "agent"})).json()["ticket"]
        assert (await first(f"{server.ws}/v1/board?ticket={other}"))["code"] == "unauthorized"


async def test_a_cookie_opens_a_socket_and_a_foreign_page_does_not() -> None:
    async with house(origins="https://desk.example") as server, client(server) as http:
        await sign_in(http, "lead")
        cookie = {"Cookie": f"{COOKIE}={http.cookies[COOKIE]}"}
        address = f"{server.ws}/v1/board"
        assert (await first(address, additional_headers=cookie))["type"] == "hello"
        for origin, code in (("https://evil.example", "forbidden"), ("https://desk.example", None)):
            told = await first(address, additional_headers=cookie, origin=origin)
            assert told.get("code") == code
        evil = {"Origin": "https://evil.example"}
        answer = await http.post("/v1/tickets", json={"for": "board"}, headers=evil)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def bearer(server: Running, text: str) -> int:
    headers = {"Authorization": f"Bearer {text}"}
    async with httpx.AsyncClient(base_url=server.http, headers=headers, timeout=60) as http:
        return (await http.get("/v1/calls")).status_code


async def test_a_token_ends_with_its_time_its_user_or_a_changed_letter() -> None:
    async with house() as server:
        access = access_of(server)
        lead = access.people.get("lead")
        assert lead is not None
        good = access.token(lead, 600)
        assert await bearer(server, good) == 200
        assert await bearer(server, access.token(lead, -1)) == 401
        head, body, signature = good.split(".")
        assert await bearer(server, f"{head}.{body}.{signature[:-4]}AAAA") == 401
        unsigned = "eyJhbGciOiJub25lIn0." + body + "."
        assert await bearer(server, unsigned) == 401
        access.people.change("lead", {"password": "x" * 60})
        assert await bearer(server, good) == 401


async def test_users_are_kept_and_the_last_administrator_stays() -> None:
    async with house() as server, client(server, "boss") as http:
        new = {"user": "a-9", "role": "agent", "teams": ["north"], "password": PASSWORD}
        assert (await http.post("/v1/users", json=new)).json() == {
            "user": "a-9", "name": "a-9", "role": "agent", "teams": ["north"], "active": True,
        }  # fmt: skip
        assert (await http.post("/v1/users", json=new)).status_code == 409
        changed = await http.patch("/v1/users/a-9", json={"name": "九号", "active": False})
        assert (changed.json()["name"], changed.json()["active"]) == ("九号", False)
        assert (await sign_in(http, "a-9")).status_code == 401
        assert (await http.delete("/v1/users/a-9")).status_code == 204
        assert (await http.delete("/v1/users/a-9")).status_code == 404
        for change in ({"role": "agent"}, {"active": False}):
            answer = await http.patch("/v1/users/boss", json=change)
            assert answer.json()["error"]["code"] == "last_admin"
        assert (await http.delete("/v1/users/boss")).status_code == 409
        assert PASSWORD not in (await http.get("/v1/users")).text


async def test_in_open_mode_the_first_user_has_to_be_an_administrator() -> None:
    async with running(settings=settings()) as server, client(server) as http:
        agent = {"user": "a-1", "role": "agent", "password": PASSWORD}
        assert (await http.post("/v1/users", json=agent)).status_code == 409
        admin = {"user": "root", "role": "admin", "password": PASSWORD}
        assert (await http.post("/v1/users", json=admin)).status_code == 201
        assert (await http.get("/v1/users")).status_code == 401


async def test_teams_and_queue_map_come_back_as_given() -> None:
    async with house() as server, client(server, "boss") as http:
        teams = {"teams": [{"team": "east", "queues": ["a", "b"]}]}
        assert (await http.put("/v1/teams", json=teams)).json() == teams
        assert (await http.get("/v1/teams")).json() == teams
        twice = {"teams": teams["teams"] * 2}
        assert (await http.put("/v1/teams", json=twice)).status_code == 422
        places = {"extensions": {"6001": "a-7"}, "queues": {"billing": "a-8"}}
        assert (await http.put("/v1/queue-map", json=places)).json() == places
        assert (await http.get("/v1/queue-map")).json() == places


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    async with house() as server, client(server) as http:
        long = json.dumps({"user": "x" * 3_000_000}).encode()

        async def pieces():  # type: ignore[no-untyped-def]
            for start in range(0, len(long), 65_536):
                yield long[start : start + 65_536]

        json_type = {"Content-Type": "application/json"}
        for content in (long, pieces()):
            answer = await http.post("/v1/session", content=content, headers=json_type)
            assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_a_lost_file_of_users_is_told_not_replaced(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from server.access.files import AccessFileError, open_access

    broken = tmp_path / "people.sqlite3"
    broken.write_text("this is no database, " * 100)
    with pytest.raises(AccessFileError, match=r"people\.sqlite3"):
        open_access(settings(file=broken))


def test_users_outlive_the_process(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from server.access.files import open_access

    file = tmp_path / "deep" / "people.sqlite3"
    before = open_access(settings(file=file))
    assert before.mode == "open"
    before.people.add(User("boss", "Boss", Role.ADMIN))
    secret = before.secret
    before.people.close()
    after = open_access(settings(file=file))
    assert (after.mode, after.secret) == ("local", secret)
    assert file.stat().st_mode & 0o077 == 0
    after.people.close()
