"""Compressed pixels are decoded where decoding can be stopped."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

import ichnet.ct.decoder
from ichnet.ct.decoder import Decoder, decode_in_child
from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_header
from ichnet.records.pool import worker_pool

STORED = np.arange(96, dtype=np.int16).reshape(8, 12)


@pytest.fixture(scope="module")
def compressed(write_slice, tmp_path_factory):
    """A slice as RLE: its header and the bytes of its file."""
    path = write_slice(tmp_path_factory.mktemp("rle") / "a.dcm", STORED)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    return read_header(path), path.read_bytes()


@pytest.fixture
def decoder():
    one = Decoder()
    yield one
    one.stop()


def test_a_child_decodes_one_slice_after_another(compressed, decoder):
    header, content = compressed
    for _ in range(2):
        np.testing.assert_array_equal(decoder.decode(header, content), STORED)


def test_what_is_damaged_is_named_by_the_child(compressed, decoder):
    header, content = compressed
    with pytest.raises(ReadError) as error:
        decoder.decode(header, content[: len(content) - 90])
    assert (error.value.reason, error.value.path) == ("truncated", header.path)
    np.testing.assert_array_equal(decoder.decode(header, content), STORED)


def test_a_child_that_ends_costs_one_slice(compressed, decoder):
    header, content = compressed
    decoder.decode(header, content)
    assert decoder._process is not None
    decoder._process.kill()
    with pytest.raises(ReadError) as error:
        decoder.decode(header, content)
    assert error.value.reason == "truncated"
    np.testing.assert_array_equal(decoder.decode(header, content), STORED)


def test_decoding_that_takes_too_long_is_stopped(compressed, decoder, monkeypatch):
    header, content = compressed
    decoder.decode(header, content)
    monkeypatch.setattr(ichnet.ct.decoder, "SECONDS", -1.0)  # and one of grace: no time at all
    assert decoder._process is not None
    child = decoder._process
    os.kill(child.pid, 19)  # SIGSTOP: it never answers
    with pytest.raises(ReadError, match="takes more than"):
        decoder.decode(header, content)
    assert child.returncode is not None


def test_a_child_has_a_gibibyte(compressed, decoder):
    header, content = compressed
    decoder.decode(header, content)
    assert decoder._process is not None
    limits = Path(f"/proc/{decoder._process.pid}/limits").read_text("ascii")
    (line,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
    assert 1 << 30 < int(line.split()[3]) < 8 << 30


def test_claims_of_gigabytes_are_refused_by_the_limit(compressed, decoder):
    header, content = compressed
    big = content.replace(
        b"\x28\x00\x10\x00US\x02\x00\x08\x00", b"\x28\x00\x10\x00US\x02\x00\xff\xff"
    )
    big = big.replace(b"\x28\x00\x11\x00US\x02\x00\x0c\x00", b"\x28\x00\x11\x00US\x02\x00\xff\xff")
    assert big != content
    with pytest.raises(ReadError) as error:
        decoder.decode(replace(header, shape=(65535, 65535)), big)
    assert error.value.reason == "truncated"


def test_this_process_has_one_child(compressed):
    header, content = compressed
    decode_in_child(header, content)
    first = ichnet.ct.decoder._decoders[os.getpid()]
    decode_in_child(header, content)
    assert ichnet.ct.decoder._decoders == {os.getpid(): first}


def decode_in_worker(header, content):
    """Decode in the child of a worker process, once more after that child was killed.

    Returns values, whether the killed child cost one slice, the command of the last child, its id.
    """
    decode_in_child(header, content)
    decoder = ichnet.ct.decoder._decoders[os.getpid()]
    decoder._process.kill()
    try:
        decode_in_child(header, content)
    except ReadError as error:
        reason = error.reason
    values = decode_in_child(header, content)
    pid = decoder._process.pid
    return values, reason, Path(f"/proc/{pid}/cmdline").read_bytes(), pid


def test_a_worker_copies_itself_and_ends_its_child(compressed):
    with worker_pool(2) as pool:
        values, reason, command, pid = pool.submit(decode_in_worker, *compressed).result()
    np.testing.assert_array_equal(values, STORED)
    assert reason == "truncated"
    assert b"forkserver" in command
    assert not Path(f"/proc/{pid}").exists()
