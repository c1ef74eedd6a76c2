"""Debian's nginx with the configuration that we ship, before two real nodes."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect

from benchmarks.redis_server import free_port
from tests.server.running import Running, hello, message, running

ROOT = Path(__file__).parents[2]
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def certificate(folder: Path) -> Path:
    """A certificate of this machine's loopback address, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "tls.crt"


@asynccontextmanager
async def nginx(folder: Path, nodes: Sequence[Running]) -> AsyncIterator[int]:
    """nginx before these nodes; gives its port."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    port = free_port()
    certificate(folder)
    command = [NGINX, "-c", str(configuration(folder, port, nodes)), "-e", f"{folder}/error.log"]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                assert process.returncode is None, (folder / "error.log").read_text()
        yield port
    finally:
        process.terminate()
        await process.wait()


def configuration(folder: Path, port: int, nodes: Sequence[Running]) -> Path:
    """Our file with the addresses of this test, inside the least of an nginx.conf."""
    text = (ROOT / "deploy" / "nginx" / "tingban.conf").read_text("utf-8")
    for name, node in zip("ab", nodes, strict=True):
        assert f"node-{name}:8765" in text
        text = text.replace(f"node-{name}:8765", f"127.0.0.1:{node.port}")
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("/etc/nginx/tls", str(folder))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/pid; worker_processes 1;\nevents {{}}\n"
        f"http {{\n{temporary}\n{text}\n}}\n"
    )
    return path


async def test_sockets_pass_by_tls_and_those_of_one_call_meet(tmp_path: Path) -> None:
    async with running() as a, running() as b, nginx(tmp_path, [a, b]) as port:
        tls = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
        async with httpx.AsyncClient(verify=tls, base_url=f"https://localhost:{port}") as client:
            assert (await client.get("/healthz")).json() == {"ok": True}
            assert (await client.get("/metrics")).status_code == 404
            assert (await client.get("/n/c/healthz")).status_code == 404
        for number in range(8):
            call = f"c-{number}"
            address = f"wss://localhost:{port}/v1/audio?call={call}"
            async with connect(address, ssl=tls, compression=None) as socket:
                await socket.send(hello(call))
                assert (await message(socket))["type"] == "ready"
            page = f"wss://localhost:{port}/v1/agent?call={call}"
            async with connect(page, ssl=tls, compression=None) as agent:
                assert (await message(agent))["type"] == "hello"
                # These two servers know nothing of each other: only the call's own one has it.
                assert (await message(agent))["call"] == call
        for number in range(8):
            call, who = f"c-of-{number}", f"b-{number}"
            address = f"wss://localhost:{port}/v1/audio?call={call}&agent={who}"
            async with connect(address, ssl=tls, compression=None) as socket:
                await socket.send(hello(call, agent=who))
                assert (await message(socket))["type"] == "ready"
                page = f"wss://localhost:{port}/v1/agent?agent={who}"
                async with connect(page, ssl=tls, compression=None) as viewer:
                    while "call" not in (told := await message(viewer)):
                        pass
                    assert told["call"] == call
        begun = [{call.info.call for call in node.switchboard.calls()} for node in (a, b)]
        named = {f"c-{number}" for number in range(8)} | {f"c-of-{number}" for number in range(8)}
        assert begun[0] | begun[1] == named
        assert begun[0]
        assert begun[1]
        assert not begun[0] & begun[1]
        for name, node in (("a", a), ("b", b)):
            address = f"wss://localhost:{port}/n/{name}/v1/audio?call=c-at-{name}"
            async with connect(address, ssl=tls, compression=None) as socket:
                await socket.send(hello(f"c-at-{name}"))
                assert (await message(socket))["type"] == "ready"
            assert node.switchboard.get(f"c-at-{name}") is not None
