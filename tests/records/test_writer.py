"""Cases on the networks' grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ichnet.records.writer import encode_case


def test_slices_are_encoded_in_order_with_what_is_known_of_the_scan(make_case, image):
    records = list(encode_case(make_case(2, {1: "SDH"}), image))
    assert [record.slice_index for record in records] == [0, 1, 2]
    assert [int(record.hu[5, 5]) for record in records] == [20, 21, 22]
    assert [record.labels.tolist() for record in records] == [
        [0, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0],
    ]
    for record in records:
        assert record.hu.dtype == np.int16
        assert record.scan_labels.tolist() == [1, 0, 0, 0, 0, 1]
        assert (record.pixel_spacing_mm, record.slice_spacing_mm) == (4.0, 5.0)
        # 16 pixels of 4 x 4 x 5 mm
        np.testing.assert_allclose(record.volume_ml, [1.28, 0, 0, 0, 0, 1.28])
    assert records[1].mask is not None
    np.testing.assert_array_equal(np.argwhere(records[1].mask == 16)[[0, -1]], [[8, 10], [11, 13]])


def test_only_the_wanted_slices_are_encoded_by_their_index_in_the_scan(make_case, image):
    records = list(encode_case(make_case(2, {1: "SDH"}), image, wanted=[2, 0]))
    assert [record.slice_index for record in records] == [0, 2]
    assert [int(record.hu[0, 0]) for record in records] == [20, 22]
    # the volume is the scan's, not that of the slices chosen
    np.testing.assert_allclose(records[0].volume_ml[0], 1.28)


def test_nobody_drew_is_no_mask(make_case, image):
    records = list(encode_case(make_case(2, {1: "SDH"}, outlined=False), image))
    assert all(record.mask is None for record in records)
    assert all(np.isnan(record.volume_ml).all() for record in records)


def test_pixels_beyond_the_image_are_air(make_case, image):
    wider = replace(image, field_of_view_mm=image.field_of_view_mm * 2)
    record = list(encode_case(make_case(2, {1: "SDH"}), wider))[1]
    assert record.pixel_spacing_mm == 8.0
    # 32 pixels of 4 mm are the middle 16 of 32 pixels of 8 mm
    assert (record.hu[8:24, 8:24] == 21).all()
    assert (record.hu[:8] == -1024).all()
    assert (record.hu[:, 24:] == -1024).all()
    # 4 x 4 pixels of 4 mm become 2 x 2 of 8 mm
    assert record.mask is not None
    assert np.argwhere(record.mask == 16).tolist() == [[12, 13], [12, 14], [13, 13], [13, 14]]


def test_the_square_follows_the_scans_centre_and_so_does_its_mask(make_case, image):
    case = make_case(2, {1: "SDH"})
    # four pixels of 4 mm down, two to the left
    beside = replace(case, volume=replace(case.volume, centre_mm=(16.0, -8.0)))
    record = list(encode_case(beside, image))[1]
    assert (record.hu[:28, 2:] == 21).all()
    assert (record.hu[28:] == -1024).all()
    assert (record.hu[:, :2] == -1024).all()
    assert record.mask is not None
    np.testing.assert_array_equal(np.argwhere(record.mask == 16)[[0, -1]], [[4, 12], [7, 15]])
