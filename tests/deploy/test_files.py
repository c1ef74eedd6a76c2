"""What cannot be run here is parsed, and held against the program that it is for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from server.settings import Settings, load
from tests.server.running import running

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


async def exposed() -> set[str]:
    """Every name that ``/metrics`` has, of a server with all its parts."""
    from server.metrics import Exposition
    from server.nodes.site import Site
    from server.settings import NodeSettings

    async with running() as server, httpx.AsyncClient() as client:
        text = (await client.get(f"{server.http}/metrics")).text
        site = Site(NodeSettings(redis="redis://127.0.0.1:1/0"), "one", "ws://one", 1.0)
        text += Exposition([site]).text("")[0].decode()
    written = DEPLOY.parent / "server" / "gauges.py"
    names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    names |= {
        f"{name}_{part}" for name in set(names) for part in ("bucket", "count", "sum", "total")
    }
    # A store needs a disk, a recogniser a model: their names are read where they are written.
    return names | set(
        re.findall(r'"(tingban_(?:store|recogniser)_\w+)"', written.read_text("utf-8"))
    )


def queries(node: Any) -> list[str]:
    """Every PromQL expression below a node of JSON or YAML."""
    if isinstance(node, dict):
        own = [node["expr"]] if "expr" in node else []
        return own + [found for value in node.values() for found in queries(value)]
    if isinstance(node, list):
        return [found for value in node for found in queries(value)]
    return []


async def test_every_query_names_a_metric_that_there_is() -> None:
    names = await exposed()
    dashboard = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    alerts = yaml.safe_load((DEPLOY / "tingban-alerts.yaml").read_text("utf-8"))
    found = [*queries(dashboard), *queries(alerts)]
    assert len(found) > 30
    for query in found:
        asked = set(re.findall(r"\b(?:tingban|process)_[a-z_]+", query))
        assert asked, query
        assert asked <= names, f"{asked - names} of {query}"


def test_panels_do_not_overlap() -> None:
    panels = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))["panels"]
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}
    assert len(places) == len(panels) == len({p["id"] for p in panels})


def test_compose_names_settings_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    servers = [one for name, one in compose["services"].items() if name.startswith("node-")]
    assert len(servers) == 2
    for one in servers:
        assert one["user"] == "10001"
        values = {
            k: re.sub(r"\$\{\w+(?::[-?]([^}]*))?\}", r"\1", v)
            for k, v in one["environment"].items()
        }
        values["TINGBAN_ACCESS__SECRET"] = "s" * 32
        settings = load(environ=values)
        assert settings.nodes.redis is not None
        assert settings.log.format == "json"
    assert {one["environment"]["TINGBAN_NODES__NAME"] for one in servers} == {"a", "b"}
    images = [one.get("image", "") for one in compose["services"].values()]
    assert not [image for image in images if image.endswith(":latest")]


def test_kubernetes_manifests_fit_together(tmp_path: Path) -> None:
    text = (DEPLOY / "kubernetes" / "tingban.yaml").read_text("utf-8")
    parts = list(yaml.safe_load_all(text))
    assert all({"apiVersion", "kind", "metadata"} <= part.keys() for part in parts)
    of = {(part["kind"], part["metadata"]["name"]): part for part in parts}
    assert len(of) == len(parts)
    pods = of["StatefulSet", "tingban"]["spec"]["template"]
    container = pods["spec"]["containers"][0]
    assert pods["spec"]["securityContext"]["runAsNonRoot"]
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    secret = of["Secret", "tingban"]["stringData"]
    for variable in container["env"]:
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        assert reference is None or reference["key"] in secret
    volumes = {v["name"] for v in pods["spec"]["volumes"]}
    volumes |= {
        v["metadata"]["name"] for v in of["StatefulSet", "tingban"]["spec"]["volumeClaimTemplates"]
    }
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    for kind, name in of:
        if kind == "Ingress":
            for path in of[kind, name]["spec"]["rules"][0]["http"]["paths"]:
                assert ("Service", path["backend"]["service"]["name"]) in of
    settings = tmp_path / "tingban.toml"
    settings.write_text(of["ConfigMap", "tingban"]["data"]["tingban.toml"], "utf-8")
    names = {v["name"] for v in container["env"]}
    given = {name: "x" * 32 for name in names if name != "TINGBAN_STORE__URL"}
    loaded = load(settings, environ=given)
    grace = pods["spec"]["terminationGracePeriodSeconds"]
    assert loaded.calls.drain_s < grace, "killed before it has drained"


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = (DEPLOY / "tingban.service").read_text("utf-8")
    found = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > Settings().calls.drain_s
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    unit = tmp_path / "tingban.service"
    # What it starts is not installed on this machine; everything else is judged as it is.
    unit.write_text(re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(
        [verify, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    own = [
        line for line in done.stderr.splitlines() if str(unit) in line or "tingban.service" in line
    ]
    assert own == []


def test_the_image_installs_as_ci_does_and_runs_as_nobody() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE)
    assert [name for _, name in stages] == ["base", "cuda", "cpu"], "cpu is the default: the last"
    for stage in re.split(r"^FROM ", text, flags=re.MULTILINE)[2:]:
        assert "./install.sh" in stage
        assert re.search(r"^USER 10001$", stage, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert "pip install" not in text, "only through install.sh"
    copied = re.findall(r"^COPY (.*) \./?\S*$", text, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name


def test_the_guide_names_files_that_there_are() -> None:
    text = (DEPLOY / "README.md").read_text("utf-8")
    for name in re.findall(r"`(deploy/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name
