"""The signature of a SavedModel that predicts a scan, and how to make it the default one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ichnet.deployment.proto_messages import BYTES, STRING, Field, message_class

SIGNATURE = "consecutive"
"""The signature that takes ``hu``, consecutive slices of a scan."""

Network = Callable[[NDArray[np.float32]], dict[str, NDArray[Any]]]
"""That signature in some runtime: answers float32 [slices, height, width], from feet to head."""

DEFAULT = "serving_default"

SAVED_MODEL = message_class(
    "SavedModel",
    {
        "SavedModel": {"meta_graphs": Field(2, "MetaGraph", repeated=True)},
        "MetaGraph": {"signatures": Field(5, "Signature", repeated=True)},
        # an entry of the map signature_def
        "Signature": {"name": Field(1, STRING), "definition": Field(2, BYTES)},
    },
)
"""As in TensorFlow's ``saved_model.proto`` and ``meta_graph.proto``."""


def with_default_signature(saved_model: bytes, signature: str) -> bytes:
    """Return ``saved_model.pb`` with one signature alone, as its default.

    Args:
        saved_model: content of the file.
        signature: name of the one to keep.

    Raises:
        KeyError: when there is no such signature.
        DecodeError: when this is no SavedModel.
    """
    message = SAVED_MODEL.FromString(saved_model)
    if not message.meta_graphs:
        raise KeyError(signature)
    for graph in message.meta_graphs:
        kept = {one.name: one.definition for one in graph.signatures}[signature]
        del graph.signatures[:]
        graph.signatures.add(name=DEFAULT, definition=kept)
    changed: bytes = message.SerializeToString()
    return changed
