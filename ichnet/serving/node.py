"""The DICOM node, which accepts C-ECHO and C-STORE of CT images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt
from pynetdicom.transport import ThreadedAssociationServer

from ichnet.serving.inbox import Inbox, Kept, NotKeptError

VERIFICATION = "1.2.840.10008.1.1"

STORED, NO_SPACE, NOT_UNDERSTOOD, FAILED = 0x0000, 0xA700, 0xC000, 0xC001
"""Status codes of a C-STORE (PS3.4, annex B.2.3)."""

NETWORK_TIMEOUT_S = 60
"""Time without data after which an association is closed."""

MOST_ASSOCIATIONS = 20


@dataclass(frozen=True)
class NodeSettings:
    """Address of the node, and who may send to it.

    Attributes:
        ae_title: AE title of the node.
        host, port: address to listen on; port 0 for any free port.
        callers: AE titles that may send; empty for all.
    """

    ae_title: str = "ICHNET"
    host: str = "127.0.0.1"
    port: int = 11112
    callers: Sequence[str] = ()


class Node:
    """A DICOM node that listens from its creation until :meth:`close`.

    Args:
        settings: address and callers.
        inbox: storage for received files.
        kept: called with each stored file, before success is returned to the sender.
        turned_away: called with the reason for each file that was not accepted.

    Raises:
        OSError: when it cannot listen at the address.
    """

    def __init__(
        self,
        settings: NodeSettings,
        inbox: Inbox,
        kept: Callable[[Kept], None],
        turned_away: Callable[[str], None],
    ) -> None:
        self._inbox, self._kept, self._turned_away = inbox, kept, turned_away
        self._entity = AE(ae_title=settings.ae_title)
        self._entity.maximum_associations = MOST_ASSOCIATIONS
        self._entity.network_timeout = NETWORK_TIMEOUT_S
        self._entity.require_calling_aet = list(settings.callers)
        self._entity.add_supported_context(VERIFICATION)
        for kind in (
            CTImageStorage,
            EnhancedCTImageStorage,
            LegacyConvertedEnhancedCTImageStorage,
        ):
            self._entity.add_supported_context(kind, ALL_TRANSFER_SYNTAXES)
        server = self._entity.start_server(
            (settings.host, settings.port),
            block=False,
            evt_handlers=[(evt.EVT_C_STORE, self._store)],
        )
        assert isinstance(server, ThreadedAssociationServer)
        self._server = server
        self.port: int = server.server_address[1]

    def close(self) -> None:
        """Close all associations and stop listening."""
        with suppress(OSError):
            self._entity.shutdown()

    def _store(self, event: evt.Event) -> int:
        """Store a received file; return success once it is on disk and recorded."""
        try:
            with self._inbox.mutex:
                self._kept(self._inbox.keep(event.encoded_dataset()))
        except NotKeptError as error:
            self._turned_away(error.reason)
            return NO_SPACE if error.reason == "disk-full" else NOT_UNDERSTOOD
        except OSError:
            self._turned_away("disk-failure")
            return NO_SPACE
        except Exception:
            # pynetdicom would log it, with a traceback that may quote a header
            self._turned_away("internal-error")
            return FAILED
        return STORED
