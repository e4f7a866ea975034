"""Destinations of results: a DICOM node (C-STORE) or a DICOMweb service (STOW-RS)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pydicom
from pynetdicom import AE, build_context

from ichnet.deployment.pacs_client import Pacs, PacsError

TIMEOUT_S = 60

ADDRESS = re.compile(r"(?P<title>[^@\\]{1,16})@(?P<host>[^@:\s]+):(?P<port>\d{1,5})")

WARNING_CLASSES = (0xB000, 0xB006, 0xB007)
"""C-STORE status codes of objects that were stored with a warning."""


class NotSentError(Exception):
    """A result was not sent completely. The message contains no identity."""


class Destination(Protocol):
    """A destination of results."""

    @property
    def name(self) -> str:
        """Name of the destination in state, audit log and metrics."""

    def send(self, paths: Sequence[Path]) -> None:
        """Send the objects of one study; sending them again is safe, as their UIDs are the same.

        Raises:
            NotSentError: when not all of them arrived.
        """


@dataclass(frozen=True)
class DicomDestination:
    """A DICOM node that accepts C-STORE.

    Attributes:
        title, host, port: AE title and address of the node.
        calling: AE title of this node.
    """

    title: str
    host: str
    port: int
    calling: str

    @property
    def name(self) -> str:
        """``AE@host:port``."""
        return f"{self.title}@{self.host}:{self.port}"

    def send(self, paths: Sequence[Path]) -> None:
        """Send all objects in one association; see :class:`Destination`."""
        objects = [pydicom.dcmread(path) for path in paths]
        entity = AE(ae_title=self.calling)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = TIMEOUT_S
        entity.connection_timeout = TIMEOUT_S
        kinds = {(str(one.SOPClassUID), one.file_meta.TransferSyntaxUID) for one in objects}
        contexts = [build_context(kind, syntax) for kind, syntax in sorted(kinds)]
        association = entity.associate(self.host, self.port, contexts, ae_title=self.title)
        if not association.is_established:
            raise NotSentError(
                "refuses the association" if association.is_rejected else "does not answer"
            )
        try:
            for one in objects:
                try:
                    status = association.send_c_store(one).get("Status")
                except (ValueError, RuntimeError) as error:
                    raise NotSentError(f"does not take {one.Modality} objects") from error
                if status is None:
                    raise NotSentError("the connection was lost")
                if status != 0 and status not in WARNING_CLASSES:
                    raise NotSentError(f"answers {status:04X}H to a {one.Modality} object")
        finally:
            association.release()


class StowDestination:
    """A DICOMweb service.

    Args:
        url: URL of the service, its name.
        pacs: client of the service, which is also asked whether it holds the stored objects.
    """

    def __init__(self, url: str, pacs: Pacs) -> None:
        self._url, self._pacs = url, pacs

    @property
    def name(self) -> str:
        """URL of the service."""
        return self._url

    def send(self, paths: Sequence[Path]) -> None:
        """Store the objects, then check that the service holds them; see :class:`Destination`."""
        study = str(pydicom.dcmread(paths[0], specific_tags=["StudyInstanceUID"]).StudyInstanceUID)
        try:
            held = self._pacs.store(paths, study)
        except PacsError as error:
            raise NotSentError(str(error)) from error
        if held < len(paths):
            raise NotSentError(f"lists {held} of {len(paths)} objects afterwards")


def dicom_destination(text: str, calling: str) -> DicomDestination:
    """Return the DICOM node for a text ``AE@host:port``.

    Raises:
        ValueError: when the text has another format.
    """
    found = ADDRESS.fullmatch(text)
    if not found or not 0 < int(found["port"]) < 65536:
        raise ValueError(f"not AE@host:port, e.g. ORTHANC@127.0.0.1:4242: {text}")
    return DicomDestination(found["title"], found["host"], int(found["port"]), calling)
