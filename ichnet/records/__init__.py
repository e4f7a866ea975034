"""TFRecords: one slice a record, HU stored once, read by tf.data."""
