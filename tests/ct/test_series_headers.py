"""Headers that are kept are those that were read."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ichnet.ct.dicom import read_listed, read_series
from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_header
from ichnet.ct.series_headers import SeriesHeaders

STORED = np.arange(3 * 8 * 12, dtype=np.int16).reshape(3, 8, 12)


@pytest.fixture
def paths(write_series, tmp_path):
    return write_series(tmp_path, STORED)


def test_what_slices_share_is_kept_once(paths):
    headers = [read_header(path) for path in paths]
    kept = SeriesHeaders.of(headers)
    assert kept.slices() == headers
    assert set(kept.own) <= {
        *("path", "sop_instance_uid", "position_mm", "instance_number", "plain_offset")
    }
    assert pickle.loads(pickle.dumps(kept)).slices() == headers
    assert SeriesHeaders.of(headers[:1]).slices() == headers[:1]


def test_a_listed_series_is_read_as_any_other(paths):
    listed = read_listed(SeriesHeaders.of([read_header(path) for path in paths]), bytes(32))
    read = read_series(paths, bytes(32))
    np.testing.assert_array_equal(listed.hu, read.hu)
    np.testing.assert_array_equal(listed.positions_mm, read.positions_mm)
    assert (listed.scan_id, listed.patient_id) == (read.scan_id, read.patient_id)
    assert listed.digest == ""


def test_a_file_that_became_shorter_or_vanished_is_named(paths):
    kept = SeriesHeaders.of([read_header(path) for path in paths])
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[:-2])
    with pytest.raises(ReadError) as error:
        read_listed(kept, bytes(32))
    assert (error.value.reason, error.value.path) == ("truncated", paths[1])
    paths[1].unlink()
    with pytest.raises(ReadError) as error:
        read_listed(kept, bytes(32))
    assert error.value.reason == "missing-file"
