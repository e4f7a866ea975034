"""What a PACS is shown, and what is refused rather than shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from ichnet.deployment.pacs_access import AccessError, PacsAccess, is_loopback

LOOPBACK, ELSEWHERE = "http://127.0.0.1/dicom-web", "http://pacs.example/dicom-web"


@pytest.fixture(autouse=True)
def no_netrc(monkeypatch, tmp_path) -> Path:
    """A netrc of the test's own, which does not exist."""
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    return path


@pytest.fixture
def echo() -> Iterator[tuple[str, list[str | None]]]:
    """A server's URL, and the Authorization headers that came; it answers ``/slow`` too late."""
    came: list[str | None] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.headers["Authorization"])
            if self.path == "/slow":
                over.wait(30)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", came
    over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_goes_with_each_request(echo, tmp_path):
    url, came = echo
    access = PacsAccess(token_file=secret(tmp_path / "token", "abc.DEF-1\n"))
    with access.session(url) as session:
        session.get(url)
    assert came == ["Bearer abc.DEF-1"]


def test_a_password_of_netrc_goes_to_its_host(echo, no_netrc):
    url, came = echo
    secret(no_netrc, "machine 127.0.0.1 login me password geheim\n")
    with PacsAccess().session(url) as session:
        session.get(url)
    assert came == ["Basic bWU6Z2VoZWlt"]


def test_without_secrets_none_is_sent(echo):
    url, came = echo
    with PacsAccess().session(url) as session:
        session.get(url)
    assert came == [None]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_secrets_that_others_can_read_are_refused(tmp_path, no_netrc, mode):
    token = secret(tmp_path / "token", "abc", mode)
    with pytest.raises(AccessError, match="others can read it"):
        PacsAccess(token_file=token).session(LOOPBACK)
    secret(no_netrc, "machine 127.0.0.1 login me password geheim\n", mode)
    with pytest.raises(AccessError, match="others can read it"):
        PacsAccess().session(LOOPBACK)
    key = secret(tmp_path / "key.pem", "key", mode)
    with pytest.raises(AccessError, match="others can read it"):
        PacsAccess(certificate=key).session(LOOPBACK)


def test_secrets_go_in_plain_text_to_this_machine_alone(tmp_path, no_netrc):
    access = PacsAccess(token_file=secret(tmp_path / "token", "abc"))
    with pytest.raises(AccessError, match="plain text"):
        access.session(ELSEWHERE)
    access.session(ELSEWHERE.replace("http:", "https:")).close()
    access.session(LOOPBACK).close()
    PacsAccess().session(ELSEWHERE).close()  # no secret
    secret(no_netrc, "machine pacs.example login me password geheim\n")
    with pytest.raises(AccessError, match="plain text"):
        PacsAccess().session(ELSEWHERE)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost.example", False),
        ("10.0.0.1", False),
        ("127.0.0.1.example", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host, is_here):
    assert is_loopback(host) == is_here


def test_certificates(tmp_path):
    certificate, ca = secret(tmp_path / "me.pem", "c", 0o644), secret(tmp_path / "ca", "a", 0o644)
    key = secret(tmp_path / "me.key", "k")
    session = PacsAccess(certificate=certificate, certificate_key=key, ca=ca).session(ELSEWHERE)
    assert session.cert == (str(certificate), str(key))
    assert session.verify == str(ca)
    session.close()
    with pytest.raises(AccessError, match="without its certificate"):
        PacsAccess(certificate_key=key).session(ELSEWHERE)
    for wrong in (
        PacsAccess(ca=tmp_path / "no"),
        PacsAccess(certificate=tmp_path / "no"),
        PacsAccess(token_file=tmp_path / "no"),
    ):
        with pytest.raises(AccessError, match="cannot be read"):
            wrong.session(LOOPBACK)


@pytest.mark.parametrize("text", ["", "\n", "two\nlines", "authority\u00e9"])
def test_what_is_no_token(tmp_path, text):
    access = PacsAccess(token_file=secret(tmp_path / "token", text))
    with pytest.raises(AccessError, match="holds no token"):
        access.session(LOOPBACK)


def test_a_server_that_does_not_answer_is_left(echo):
    url, _ = echo
    with PacsAccess(timeout_s=0.2).session(url) as session, pytest.raises(requests.Timeout):
        session.get(f"{url}/slow")
