"""Ports of telephone systems: what listens is published, the same inside and outside, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from server.settings import TelephonySettings, load

DEPLOY = Path(__file__).parents[2] / "deploy"
BY_PEOPLE = {
    "TINGBAN_TELEPHONY_ADDRESS": "198.51.100.7",
    "TINGBAN_SIPREC_PEERS": "192.0.2.0/28",
    "TINGBAN_AUDIOSOCKET_PEERS": "192.0.2.16/28,192.0.2.40",
}


def listening(settings: TelephonySettings) -> set[tuple[range, str]]:
    """Ports and protocols that a server with these settings hears on."""
    siprec, audiosocket = settings.siprec.port, settings.audiosocket_port
    assert siprec is not None
    assert audiosocket is not None
    first, last = map(int, settings.siprec.rtp_ports.split("-"))
    return {
        (range(siprec, siprec + 1), "udp"),
        (range(siprec, siprec + 1), "tcp"),
        (range(audiosocket, audiosocket + 1), "tcp"),
        (range(first, last + 1), "udp"),
    }


def published(port: str) -> tuple[range, str]:
    """One entry of compose's ``ports``; it must be the same inside and outside."""
    outside, inside, protocol = re.fullmatch(r"([\d-]+):([\d-]+)/(\w+)", port).groups()
    assert outside == inside
    first, _, last = inside.partition("-")
    return range(int(first), int(last or first) + 1), protocol


def given(value: str) -> str:
    """A value of compose with what its user puts into ``.env``."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: BY_PEOPLE[match[1]], value)


def telephony(values: dict[str, str]) -> TelephonySettings:
    return load(environ=values).telephony


def test_each_node_publishes_what_it_hears_on() -> None:
    base = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    more = yaml.safe_load((DEPLOY / "compose.telephony.yaml").read_text("utf-8"))
    assert more["services"].keys() == {n for n in base["services"] if n.startswith("node-")}
    taken: set[tuple[int, str]] = {(443, "tcp")}
    for node in more["services"].values():
        settings = telephony({k: given(v) for k, v in node["environment"].items()})
        assert settings.siprec.address == BY_PEOPLE["TINGBAN_TELEPHONY_ADDRESS"]
        assert settings.siprec.peers
        assert settings.audiosocket_peers
        opened = {published(port) for port in node["ports"]}
        assert opened == listening(settings)
        ports = {(port, protocol) for span, protocol in opened for port in span}
        assert not ports & taken, "two nodes of one machine"
        taken |= ports


def test_pods_hear_on_the_ports_of_their_machine() -> None:
    folder = DEPLOY / "kubernetes"
    base = {
        (part["kind"], part["metadata"]["name"]): part
        for part in yaml.safe_load_all((folder / "tingban.yaml").read_text("utf-8"))
    }
    patch = yaml.safe_load((folder / "telephony" / "ports.yaml").read_text("utf-8"))
    target = base[patch["kind"], patch["metadata"]["name"]]
    assert patch["metadata"]["namespace"] == target["metadata"]["namespace"]
    before, pod = (one["spec"]["template"]["spec"] for one in (target, patch))
    (container,) = pod["containers"]
    assert container["name"] == before["containers"][0]["name"]
    assert pod["hostNetwork"], "a range of ports fits no Service"
    (rule,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    labels = target["spec"]["template"]["metadata"]["labels"].items()
    assert rule["labelSelector"]["matchLabels"].items() <= labels
    settings = telephony({one["name"]: one.get("value", "x") for one in container["env"]})
    named = {
        (range(port["containerPort"], port["containerPort"] + 1), port["protocol"].lower())
        for port in container["ports"]
        if port["name"] != "http"
    }
    assert named == {one for one in listening(settings) if len(one[0]) == 1}
    assert settings.siprec.peers
    assert settings.audiosocket_peers


def test_kustomizations_name_files_that_there_are() -> None:
    for file in DEPLOY.glob("kubernetes/**/kustomization.yaml"):
        made: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
        named = [*made["resources"], *(patch["path"] for patch in made.get("patches", []))]
        for name in named:
            path = (file.parent / name).resolve()
            assert (path / "kustomization.yaml" if path.is_dir() else path).exists(), name


def test_the_guide_tells_whom_to_open_the_ports_for() -> None:
    text = (DEPLOY / "README.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    more = yaml.safe_load((DEPLOY / "compose.telephony.yaml").read_text("utf-8"))
    for node in more["services"].values():
        for span, protocol in map(published, node["ports"]):
            port = str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}"
            assert any(port in row and protocol in row.lower() for row in rows), (port, protocol)
