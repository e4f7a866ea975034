"""The files for TF Serving are YAML of the right shape and point at the export's layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pods import assert_restricted

from ichnet.runs import RunFolder

ROOT = Path(__file__).parents[1]
SERVING = ROOT / "docs" / "serving"
MODEL = "ensemble-all"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    (service,) = load("compose.yaml")[0]["services"].values()
    return service


@pytest.fixture(scope="module")
def kubernetes() -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for document in load("kubernetes.yaml")}


def load(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((SERVING / name).read_text(encoding="utf-8")))


def exported(mounted: Path) -> str:
    """Return where TF Serving finds version 1 when an export folder is mounted at /models."""
    version = RunFolder(mounted.parent).export(MODEL, 1)
    return str(Path("/models") / version.relative_to(mounted))


def test_compose_mounts_the_demonstrations_export(compose):
    source, target, mode = compose["volumes"][0].split(":")
    mounted = (SERVING / source).resolve()
    assert mounted == ROOT / "runs" / "phantom" / "export"
    assert (target, mode) == ("/models", "ro")
    assert exported(mounted) == f"/models/{compose['environment']['MODEL_NAME']}/1"


def test_compose_serves_this_machine_only(compose):
    assert compose["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]


def test_kubernetes_mounts_the_claim_where_the_server_looks(kubernetes):
    pod = kubernetes["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mount, _ = container["volumeMounts"]
    volume, _ = pod["volumes"]
    assert mount == {"name": volume["name"], "mountPath": "/models", "readOnly": True}
    claim = volume["persistentVolumeClaim"]["claimName"]
    assert claim == kubernetes["PersistentVolumeClaim"]["metadata"]["name"]
    name = {one["name"]: one["value"] for one in container["env"]}["MODEL_NAME"]
    assert exported(Path("runs/phantom/export")) == f"/models/{name}/1"
    assert container["readinessProbe"]["httpGet"]["path"] == f"/v1/models/{name}"


def test_kubernetes_parts_belong_together(kubernetes):
    deployment, service = kubernetes["Deployment"]["spec"], kubernetes["Service"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == service["selector"] == labels
    (container,) = deployment["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == ports


def test_both_serve_with_the_tensorflow_that_exports(compose, kubernetes):
    (container,) = kubernetes["Deployment"]["spec"]["template"]["spec"]["containers"]
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    (tensorflow,) = re.findall(r"^tensorflow==(.*)$", constraints, re.MULTILINE)
    assert compose["image"] == container["image"] == f"tensorflow/serving:{tensorflow}"


def test_kubernetes_gives_the_server_no_rights(kubernetes):
    pod = kubernetes["Deployment"]["spec"]["template"]["spec"]
    assert_restricted(pod)
    policy = kubernetes["NetworkPolicy"]["spec"]
    assert policy["podSelector"] == kubernetes["Deployment"]["spec"]["selector"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy
    (rule,) = policy["ingress"]
    assert {port["port"] for port in rule["ports"]} == {8500, 8501}
