"""The default signature of a SavedModel is exchanged, and nothing else."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from ichnet.deployment.signature import with_default_signature


def test_one_signature_is_left_as_the_default(model_dir):
    before = (model_dir / "saved_model.pb").read_bytes()
    after = SavedModel.FromString(with_default_signature(before, "scan"))
    wanted = SavedModel.FromString(before)
    signatures = wanted.meta_graphs[0].signature_def
    scan = signatures["scan"]
    kept = type(scan)()
    kept.CopyFrom(scan)
    signatures.clear()
    signatures["serving_default"].CopyFrom(kept)
    as_bytes = [one.SerializeToString(deterministic=True) for one in (after, wanted)]
    assert as_bytes[0] == as_bytes[1]  # numbers that are none are equal to nothing
    assert set(kept.inputs) == {"hu", "pixel_spacing_mm", "slice_spacing_mm"}


def test_a_signature_or_model_that_is_none(model_dir):
    with pytest.raises(KeyError, match="guess"):
        with_default_signature((model_dir / "saved_model.pb").read_bytes(), "guess")
    with pytest.raises(KeyError):
        with_default_signature(b"", "scan")
    with pytest.raises(DecodeError):
        with_default_signature(b"no model", "scan")
