"""Which signature of a SavedModel is its default, changed without TensorFlow.

Of a SavedModel's messages only those on the way to its signatures are declared here, by the numbers
that TensorFlow's ``saved_model.proto`` and ``meta_graph.proto`` give them; Protocol Buffers keep all
other fields as they are.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

DEFAULT = "serving_default"


def with_default_signature(saved_model: bytes, signature: str) -> bytes:
    """Return ``saved_model.pb`` with one signature alone, as its default.

    Args:
        saved_model: content of the file.
        signature: name of the one to keep.

    Raises:
        KeyError: when there is no such signature.
        DecodeError: when this is no SavedModel.
    """
    message = _saved_model_class().FromString(saved_model)
    for graph in message.meta_graphs:
        kept = {one.name: one.definition for one in graph.signatures}[signature]
        del graph.signatures[:]
        graph.signatures.add(name=DEFAULT, definition=kept)
    if not message.meta_graphs:
        raise KeyError(signature)
    changed: bytes = message.SerializeToString()
    return changed


@cache
def _saved_model_class() -> Any:
    file = FileDescriptorProto(name="saved_model_signatures.proto", package="ichnet")
    field = FieldDescriptorProto
    many, one = field.LABEL_REPEATED, field.LABEL_OPTIONAL

    entry = file.message_type.add(name="Signature")  # of the map signature_def
    entry.field.add(name="name", number=1, type=field.TYPE_STRING, label=one)
    entry.field.add(name="definition", number=2, type=field.TYPE_BYTES, label=one)

    for name, contents, number, kind in (
        ("MetaGraph", "signatures", 5, "Signature"),
        ("SavedModel", "meta_graphs", 2, "MetaGraph"),
    ):
        message = file.message_type.add(name=name)
        message.field.add(
            name=contents,
            number=number,
            type=field.TYPE_MESSAGE,
            label=many,
            type_name=f".ichnet.{kind}",
        )
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("ichnet.SavedModel"))
