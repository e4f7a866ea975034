"""What a hospital's machine starts `ichnet serve` by: parsed here, as nothing here can start it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pods import assert_restricted

from ichnet import __version__
from ichnet.cli import build_parser
from ichnet.deployment.embedded import WEIGHTS_DIR, embedded_model_dir
from ichnet.deployment.metadata import read_metadata
from ichnet.orchestrated import FOLDERS, RUNTIME

ROOT = Path(__file__).parents[1]
SERVING = ROOT / "docs" / "serving"
IMAGE = f"ichnet:{__version__}"
USER = 10001


def pins(text: str) -> dict[str, str]:
    """Return version by normal name of each line that pins one."""
    found = re.findall(r"^([\w.\-\[\]]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def hashes(text: str) -> dict[str, int]:
    """Return the number of hashes after each pin."""
    parts = re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    return {name: part.count("--hash=sha256:") for part in parts for name in pins(part)}


def serve_options(words: list[str]) -> Any:
    """Return what `ichnet serve` reads from a command; skip where it is not part of ichnet."""
    start = words.index("serve")
    assert Path(words[start - 1]).name == "ichnet"
    if "serve" not in build_parser().format_help():
        pytest.skip("this ichnet has no command serve")
    return build_parser().parse_args(words[start:])


def test_versions_with_hashes_are_the_pinned_ones():
    with_hashes = (ROOT / "constraints-hashes.txt").read_text(encoding="utf-8")
    assert pins(with_hashes) == pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert all(hashes(with_hashes).values())


def test_the_containers_versions_are_the_pinned_ones():
    text = (SERVING / "container-requirements.txt").read_text(encoding="utf-8")
    found, pinned = pins(text), pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert all(hashes(text).values())
    assert found.pop("opencv-python-headless") == pinned["opencv-python"]
    assert found.items() <= pinned.items()
    wanted = (SERVING / "container-requirements.in").read_text(encoding="utf-8")
    names = {line.split("==")[0] for line in wanted.splitlines() if not line.startswith("#")}
    assert names - {"opencv-python-headless"} <= found.keys()
    assert not {"tensorflow", "keras", "openvino-telemetry", "opencv-python"} & found.keys()


@pytest.fixture(scope="module")
def containerfile() -> list[tuple[str, str]]:
    """Instruction and arguments of each line, comments and continuations resolved."""
    text = (SERVING / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    words = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(instruction, arguments) for instruction, arguments in words]


def test_the_container_is_built_by_hash_without_a_network_and_is_not_root(containerfile):
    assert {name for name, _ in containerfile} == {
        *("ARG", "FROM", "COPY", "RUN", "ENV", "USER", "CMD")
    }
    for installed in re.findall(r"pip install [^&]*", dict(containerfile[:6])["RUN"]):
        assert "--no-index" in installed
        assert "--require-hashes" in installed or "/wheels/ichnet-" in installed
    assert [arguments for name, arguments in containerfile if name == "USER"] == [f"{USER}:{USER}"]
    for name, arguments in containerfile:
        if name == "COPY" and not arguments.startswith("--from"):
            *sources, _ = arguments.split()
            assert all(source == "wheels" or (ROOT / source).is_file() for source in sources)
    command = json.loads(dict(containerfile)["CMD"])
    assert command == ["python", "-m", "ichnet.orchestrated"]
    assert f"{RUNTIME}=openvino" in dict(containerfile)["ENV"]


def test_the_monai_package_says_what_is_in_the_container(containerfile):
    app, package = (
        json.loads((SERVING / "monai" / name).read_text(encoding="utf-8"))
        for name in ("app.json", "pkg.json")
    )
    assert app["version"] == package["version"] == __version__
    assert json.loads(app["command"])[1:] == json.loads(dict(containerfile)["CMD"])[1:]
    folders = [f"{app['workingDirectory']}/{app[end]['path']}" for end in ("input", "output")]
    assert app["environment"] == dict(zip(FOLDERS[1], folders, strict=True))
    python = re.search(r"python:(3\.\d+)", str(containerfile))
    assert python
    assert f"/python{python[1]}/site-packages/ichnet/weights" in package["modelRoot"]
    (model,) = package["models"]
    assert WEIGHTS_DIR / model["path"] == embedded_model_dir()
    assert model["name"] == read_metadata(embedded_model_dir()).model


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (SERVING / "serve-compose.yaml").read_text(encoding="utf-8")
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


def test_compose_gives_ichnet_no_rights(compose):
    service = compose["ichnet"]
    assert service["image"] == IMAGE
    assert service["user"] == f"{USER}:{USER}"
    assert service["read_only"] is True
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert service["build"]["network"] == "none"
    for one in compose.values():
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert {"mem_limit", "pids_limit"} <= one.keys()
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", []))
    networks = yaml.safe_load((SERVING / "serve-compose.yaml").read_text(encoding="utf-8"))
    assert [networks["networks"][name]["internal"] for name in service["networks"]] == [True]


def test_compose_joins_orthanc_and_ichnet(compose):
    orthanc = compose["orthanc"]["environment"]
    (known,) = json.loads(orthanc["ORTHANC__DICOM_MODALITIES"]).items()
    sent_by = re.findall(r"SendToModality\(\w+, '(\w+)'\)", (SERVING / "orthanc.lua").read_text())
    assert sent_by == [known[0]]
    title, host, port = known[1]
    assert host in compose
    options = serve_options(compose["ichnet"]["command"])
    assert (options.ae_title, options.port) == (title, port)
    assert options.bind == "0.0.0.0"
    assert options.caller == [orthanc["ORTHANC__DICOM_AET"]]
    assert options.send == [f"{orthanc['ORTHANC__DICOM_AET']}@orthanc:4242"]
    assert options.runtime == "openvino"
    asked = compose["ichnet"]["healthcheck"]["test"][-1]
    assert f"http://127.0.0.1:{options.http_port}/ready" in asked


@pytest.fixture(scope="module")
def kubernetes() -> dict[str, dict[str, Any]]:
    text = (SERVING / "serve-kubernetes.yaml").read_text(encoding="utf-8")
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_kubernetes_gives_ichnet_no_rights(kubernetes):
    pod = kubernetes["StatefulSet"]["spec"]["template"]["spec"]
    assert_restricted(pod)
    assert pod["securityContext"]["runAsUser"] == USER
    labels = kubernetes["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert kubernetes["StatefulSet"]["spec"]["replicas"] == 1  # two would share no queue


def test_kubernetes_parts_belong_together(kubernetes):
    state, policy = kubernetes["StatefulSet"]["spec"], kubernetes["NetworkPolicy"]["spec"]
    labels = state["template"]["metadata"]["labels"]
    service = kubernetes["Service"]["spec"]
    assert state["selector"]["matchLabels"] == policy["podSelector"]["matchLabels"] == labels
    assert service["selector"] == labels
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    (container,) = state["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert [rule["ports"] for rule in policy["ingress"]] == [
        [{"protocol": "TCP", "port": port["containerPort"]}]
    ]
    assert container["image"].endswith(f"/{IMAGE}")
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    given = {volume["name"] for volume in state["template"]["spec"]["volumes"]}
    assert mounted == given | {claim["metadata"]["name"] for claim in state["volumeClaimTemplates"]}
    options = serve_options([*container["command"], *container["args"]])
    assert options.port == port["containerPort"]
    (_, sent_to) = options.send[0].split(":")
    assert {"protocol": "TCP", "port": int(sent_to)} in policy["egress"][0]["ports"]
    for probe in ("readinessProbe", "livenessProbe"):
        assert f":{options.http_port}/" in container[probe]["exec"]["command"][-1]


@pytest.fixture(scope="module")
def unit() -> str:
    return (SERVING / "ichnet.service").read_text(encoding="utf-8")


def test_systemd_starts_a_command_that_ichnet_understands(unit):
    (command,) = re.findall(r"^ExecStart=(.*)$", unit.replace("\\\n", " "), re.MULTILINE)
    options = serve_options(shlex.split(command))
    assert options.state.is_relative_to("/var/lib/ichnet")  # StateDirectory
    assert options.runtime == "openvino"


def test_systemd_finds_the_unit_valid_and_hardened(unit, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    path = tmp_path / "ichnet.service"
    path.write_text(unit.replace("/opt/ichnet/bin/ichnet", "/bin/true"), encoding="utf-8")
    verify = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    assert (verify.returncode, verify.stderr) == (0, "")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", path]
    judged = subprocess.run(command, capture_output=True, text=True)
    if "unrecognized option" in judged.stderr:
        pytest.skip("this systemd-analyze judges no unit that is not installed")
    assert judged.returncode == 0, judged.stdout[-300:]  # exposure above 2.0 of 10
