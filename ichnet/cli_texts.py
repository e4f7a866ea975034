"""Descriptions of the commands of ``ichnet``, as ``--help`` prints them."""

from __future__ import annotations

PREDICT_DESCRIPTION = """\
Look for intracranial hemorrhage in head CT. For research only, not for diagnosis.

Takes DICOM folders (searched with all subfolders), DICOM files and zip archives, in any number and
order; slices are sorted into series by their headers. Writes into --out:

  predictions.csv   one row a scan: probability, decision at the model's threshold, volume in mL
  <scan_id>.json    everything about a scan: each slice's probability, position and volume
  <scan_id>.png     the scan with the predicted outline
  excluded.csv      every file that could not be used, and why
  <scan_id>.refused when a scan was refused: the pseudonyms of its slices

All of these are readable by you alone.

With --dicom, each result also as DICOM Segmentation and structured report (TID 1500). These carry
the patient's identity, as a PACS needs: treat them as the scans themselves.

With --watch, whatever arrives in a folder is predicted: each file, archive or folder directly
below it, once it has not changed for --settle seconds. Parts of a series that arrive one after
another are joined; an arrival that fails three times is set aside.

A scan that is already in --out, made from the same bytes by the same model and version, is not
computed again. A series of which other slices came in an earlier call is refused until all of them
are given together. predictions.csv lists the scans of this call's inputs."""

PREDICT_EPILOG = """\
Pseudonyms: results carry no name, number or date of a patient, and no path. scan_id and patient_id
are made from the DICOM identifiers with a secret key (file named by ICHNET_PSEUDONYM_KEY_FILE,
otherwise ~/.config/ichnet/pseudonym.key, made at first use); the same key gives the same
pseudonyms. Only --link tells which scan is which and which file was excluded: it writes a table of
scan_id and SeriesInstanceUID, and of excluded files with their paths, readable by you alone. Keep
it as confidential as the scans.

A model is code: give --model only what you trust, and pin it with --model-sha256.

Exit code: 0 when everything was used, 1 when something was excluded, be it everything (see
excluded.csv), 2 when the command was wrong or there is nothing to read (no such file, an empty
folder, no access), 3 when the program itself failed, 128 and the signal's number when a signal
ended it."""

PACS_DESCRIPTION = """\
Fetch the CT of studies from a PACS by DICOMweb (QIDO-RS, WADO-RS), look for intracranial
hemorrhage, add a DICOM Segmentation and a structured report to each study (STOW-RS), and ask the
PACS whether it holds them. For research only, not for diagnosis.

A series is used only when all of it came: as many instances as the PACS says it has
(NumberOfSeriesRelatedInstances), by a number that does not change for --settle seconds.

With --poll, no study is named: until SIGINT or SIGTERM the PACS is asked again and again for recent
studies, and each study that is new or has more instances than before is processed.

--out gets what `ichnet predict` writes, pseudonymous. A token (--token-file), or user and password
from ~/.netrc, never from the URL, go over https or to this machine alone; files of secrets that
others can read are refused.

Exit code: 0 when every study got results, 1 when one did not (see excluded.csv), 2 when the command
was wrong or the PACS cannot be reached, 3 when the program itself failed."""

SERVE_DESCRIPTION = """\
Receive head CT as a DICOM node (C-ECHO, C-STORE), predict each series once it is complete, and send
a DICOM Segmentation and a structured report on (--send, --stow). For research only, not for
diagnosis. Runs until SIGINT or SIGTERM; the scan in progress is finished first.

Receipt of a slice is confirmed when it is on disk. The whole state lies in --state, so that the
program can be killed at any time and started again: no scan is lost, none gets two results. A
series is complete when no slice arrived for --quiet-seconds, or when as many files arrived as its
headers announce (NumberOfSeriesRelatedInstances). Slices that arrive later lead to a new result.
Series whose slices arrived within the last ten minutes go before a backlog; hemorrhages are sent
first. Failed steps are repeated after growing pauses, and set aside after --tries attempts.
Files, folders and archives that arrive in the folder --watch join the same queue.

In --state:

  audit.jsonl       time, SHA-256 of input and model, version, result, where it was sent
  results           <scan_id>.json and <scan_id>.png, pseudonymous
  incoming, dicom   received files and DICOM results, with identity; removed after --keep-hours
  state.sqlite      the queue; `ichnet status` reads it

A line of JSON for each scan goes to standard error. http://127.0.0.1:PORT has /health, /ready and
/metrics (Prometheus), and with --page a page of the queue, results and slices."""

STATUS_DESCRIPTION = """\
Print the state of a running (or stopped) `ichnet serve`: series by state, the longest wait, the
share of hemorrhages, and results that could not be sent.

Exit code: 0, or 2 when the folder holds no state."""

EXPORT_DESCRIPTION = """\
Copy the model in the package to DIR/<model>/<version>, where TF Serving finds it: a SavedModel with
its signatures, metadata.json, model card and warm-up requests. Its license is the package's.

Exit code: 0 when it was written, 2 when it was not, e.g. because that version exists."""
