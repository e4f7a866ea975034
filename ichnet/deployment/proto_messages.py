"""Protocol Buffers messages declared in Python: those few of TensorFlow's that are read without it.

Fields that are not declared are kept as they are when a message is written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

BYTES, STRING = FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.TYPE_STRING
INT32, INT64 = FieldDescriptorProto.TYPE_INT32, FieldDescriptorProto.TYPE_INT64
FIXED32 = FieldDescriptorProto.TYPE_FIXED32


class Field(NamedTuple):
    """A field of a message.

    Attributes:
        number: its number in the message.
        kind: one of this module's types, or the name of another declared message.
        repeated: whether it holds several values.
    """

    number: int
    kind: int | str
    repeated: bool = False


def message_class(name: str, messages: Mapping[str, Mapping[str, Field]]) -> Any:
    """Return the class of a message.

    Args:
        name: of the message.
        messages: fields by name, of it and of all messages that it holds.
    """
    file = FileDescriptorProto(name="declared.proto", package="ichnet")
    for message_name, fields in messages.items():
        message = file.message_type.add(name=message_name)
        for field_name, field in fields.items():
            added = message.field.add(name=field_name, number=field.number)
            many, one = FieldDescriptorProto.LABEL_REPEATED, FieldDescriptorProto.LABEL_OPTIONAL
            added.label = many if field.repeated else one
            if isinstance(field.kind, str):
                added.type = FieldDescriptorProto.TYPE_MESSAGE
                added.type_name = f".ichnet.{field.kind}"
            else:
                added.type = field.kind
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"ichnet.{name}"))
