"""From DICOM files to a :class:`~ichnet.ct.volume.Volume` in Hounsfield units."""
