"""A PACS on this machine that answers as real ones do on bad days."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pydicom
import pytest

BOUNDARY = "between-the-parts"


@dataclass
class OddPacs:
    """What it holds, and how it answers.

    Attributes:
        holds: by study, series and instance, the bytes of a file.
        sends: of a series it sends so many instances at once.
        status: of such an answer.
        gives_single: whether instances can be asked for one by one.
        page: of lists it gives so many entries at once.
        refuses_pages: status with which it answers when further pages are asked for, 0 for none.
        counts: whether it tells NumberOfSeriesRelatedInstances.
        growing: how often the number still grows when it is asked for.
        drips: whether answers come a byte at a time, for ever.
        keeps: whether it keeps what is stored.
        fails: studies for which it answers with status 500.
        busy: so many times it answers with status 503 first.
        spoil: what becomes of the bytes of an answer.
    """

    holds: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    sends: int = 10_000
    status: int = 200
    gives_single: bool = True
    page: int = 10_000
    refuses_pages: int = 0
    counts: bool = True
    growing: int = 0
    drips: bool = False
    keeps: bool = True
    fails: tuple[str, ...] = ()
    busy: int = 0
    spoil: Callable[[bytes], bytes] = bytes
    url: str = ""
    stored: list[str] = field(default_factory=list)

    def add(self, files: list[Path]) -> None:
        """Hold the files' instances."""
        for path in files:
            self.add_content(path.read_bytes(), pydicom.dcmread(path, stop_before_pixels=True))

    def add_content(self, content: bytes, header: pydicom.Dataset) -> None:
        """Hold one instance."""
        study = self.holds.setdefault(str(header.StudyInstanceUID), {})
        series = study.setdefault(str(header.SeriesInstanceUID), {})
        series[str(header.SOPInstanceUID)] = content


@pytest.fixture
def odd_pacs() -> Iterator[OddPacs]:
    """One that is empty and answers well, so far."""
    with started() as pacs:
        yield pacs


@contextmanager
def started() -> Iterator[OddPacs]:
    """Run one for a while."""
    pacs = OddPacs()
    handler = type("Handler", (_Handler,), {"pacs": pacs})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    pacs.url = f"http://127.0.0.1:{server.server_port}/dicom-web"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield pacs
    finally:
        pacs.drips = False
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    pacs: OddPacs

    def do_GET(self) -> None:
        """QIDO-RS and WADO-RS."""
        url = urlsplit(self.path)
        uids = url.path.split("/")[3::2]
        kind = url.path.split("/")[-1]
        study = self.pacs.holds.get(uids[0], {})
        first = int(parse_qs(url.query).get("offset", ["0"])[0])
        if first and self.pacs.refuses_pages:
            self.send_error(self.pacs.refuses_pages)
        elif self.pacs.busy:
            self.pacs.busy -= 1
            self.send_error(503)
        elif uids[0] in self.pacs.fails:
            self.send_error(500)
        elif self.pacs.drips:
            self._drip()
        elif kind == "series":
            self._json([self._series(uid, found) for uid, found in study.items()], first)
        elif kind == "instances":
            uids = list(study.get(uids[1], {}))
            self._json([{"00080018": {"vr": "UI", "Value": [uid]}} for uid in uids], first)
        elif len(uids) == 2:
            contents = list(study[uids[1]].values())
            self._multipart(contents[: self.pacs.sends], self.pacs.status)
        elif self.pacs.gives_single:
            self._multipart([study[uids[1]][uids[2]]], 200)
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """STOW-RS."""
        content = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
        else:
            content = self.rfile.read(int(self.headers["Content-Length"]))
        boundary = self.headers["Content-Type"].split('boundary="')[1].split('"')[0].encode()
        for part in content.split(b"--" + boundary)[1:-1]:
            data = part.split(b"\r\n\r\n", 1)[1]
            header = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data), force=True)
            self.pacs.stored.append(str(header.SOPInstanceUID))
            if self.pacs.keeps:
                self.pacs.add_content(data, header)
        self._send(b"{}", "application/dicom+json", 200)

    def _series(self, uid: str, found: dict[str, bytes]) -> dict[str, object]:
        with pydicom.config.disable_value_validation():
            first = pydicom.dcmread(pydicom.filebase.DicomBytesIO(next(iter(found.values()))))
        answer = {
            "0020000E": {"vr": "UI", "Value": [uid]},
            "00080060": {"vr": "CS", "Value": [first.get("Modality", "CT")]},
        }
        if self.pacs.counts:
            missing, self.pacs.growing = self.pacs.growing, max(0, self.pacs.growing - 1)
            answer["00201209"] = {"vr": "IS", "Value": [len(found) - missing]}
        return answer

    def _json(self, answers: list[dict[str, object]], first: int) -> None:
        page = answers[first : first + self.pacs.page]
        is_last = first + len(page) == len(answers)
        self._send(json.dumps(page).encode(), "application/dicom+json", 200 if is_last else 206)

    def _multipart(self, contents: list[bytes], status: int) -> None:
        head = f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = b"".join(head + content for content in contents)
        kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
        self._send(body + f"\r\n--{BOUNDARY}--".encode(), kind, status)

    def _send(self, body: bytes, kind: str, status: int) -> None:
        body = self.pacs.spoil(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom+json")
        self.end_headers()
        try:
            while self.pacs.drips:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass  # the other side has had enough

    def log_message(self, *_: object) -> None:
        """Say nothing."""
