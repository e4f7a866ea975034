"""Where everything lies: the layout of a run folder and of a folder of record sets.

::

    work/<name>/raw/{rsna,aihub,dumc,cq500}/     the cohorts' own files
    work/<name>/records/<record set>/            TFRecords, scans.csv, slices.csv, excluded.csv
    runs/<name>/config.yaml, records.json        the one configuration, and where the records lie
    runs/<name>/models/<model>/                  best.keras, last.keras, log.csv, finished.json
    runs/<name>/backbones/<backbone>.npz         pre-trained weights that other runs begin with
    runs/<name>/backbones/labels/<backbone>.npz  the same, learned without outlines
    runs/<name>/models/baseline-threshold/rule.json, models/baseline-nnls/weights.json
    runs/<name>/calibration/<model>/             calibration.json: raw score -> probability, by scan
    runs/<name>/maps/<record set>/               the five segmenters' maps, TFRecords
    runs/<name>/predictions/<model>/<cohort>.scans.csv and <cohort>.slices.csv
    runs/<name>/localisation/<model>.csv         saliency maps against outlines, by slice
    runs/<name>/lesions/<model>/                 lesions.csv, scans.csv, froc.csv
    runs/<name>/export/<model>/<version>/        SavedModel, metadata.json, model_card.md and .json
    runs/<name>/tables/, figures/                what eval/ computes from predictions
    runs/<name>/external/<record set>/           predictions and tables of another test set
    runs/<name>/report.html
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ichnet.config import ARMS, BACKBONES, SEGMENTERS

AIHUB_SCANS = "aihub-scans"
"""Experiment B's training set: whole scans."""

RECORD_SETS: tuple[str, ...] = ("rsna", "aihub-slices", AIHUB_SCANS, "dumc", "cq500")
"""Experiment A's two training sets, experiment B's training set, the two external test sets."""

TEST_COHORTS: tuple[str, ...] = ("dumc", "cq500")
"""The external test sets (Qure.ai is ``cq500``)."""

ARM_RECORDS: dict[str, str] = {
    "rsna-weak": "rsna",
    "aihub-weak": "aihub-slices",
    "aihub-strong": "aihub-slices",
}
"""The record set each arm trains on."""


ENCODER = "encoder-subtype"
"""Model 2's encoder, pre-trained on subtypes."""


def classifier_name(backbone: str, arm: str) -> str:
    """Return e.g. ``MobileNetV2-aihub-strong``."""
    if backbone not in BACKBONES or arm not in ARMS:
        raise ValueError(f"no classifier {backbone!r} in arm {arm!r}")
    return f"{backbone}-{arm}"


def segmenter_name(segmenter: str) -> str:
    """Return e.g. ``segmenter-sdh``."""
    if segmenter not in SEGMENTERS:
        raise ValueError(f"no segmenter {segmenter!r}; known: {', '.join(SEGMENTERS)}")
    return f"segmenter-{segmenter}"


def fold_name(model: str, fold: int | None, folds: int) -> str:
    """Return e.g. ``segmenter-sdh-fold2of5``; the model's own name for no fold.

    Raises:
        ValueError: for a fold that is not among 1 to ``folds``.
    """
    if fold is None:
        return model
    if not 1 <= fold <= folds:
        raise ValueError(f"no fold {fold}; there are 1 to {folds} (ensembles.folds)")
    return f"{model}-fold{fold}of{folds}"


BASELINES: tuple[str, ...] = ("mean", "maximum", "nnls")
"""Combinations of all segmenters by fixed weights, the same for every input."""

THRESHOLD = "baseline-threshold"
"""The baseline without a network: bright tissue within the skull."""


def baseline_name(baseline: str) -> str:
    """Return e.g. ``baseline-mean``."""
    if baseline not in BASELINES:
        raise ValueError(f"no baseline {baseline!r}; known: {', '.join(BASELINES)}")
    return f"baseline-{baseline}"


def ensemble_name(combination: str) -> str:
    """Return e.g. ``ensemble-all``."""
    return f"ensemble-{combination}"


@dataclass(frozen=True)
class RunFolder:
    """The paths inside one run, ``runs/<name>``."""

    root: Path

    @property
    def config(self) -> Path:
        """The configuration of every model in the run, written when the first one is trained."""
        return self.root / "config.yaml"

    @property
    def records_file(self) -> Path:
        """Says where the record sets of the run lie."""
        return self.root / "records.json"

    def model(self, model: str) -> Path:
        """Folder of one trained model."""
        return self.root / "models" / model

    def best(self, model: str) -> Path:
        """The checkpoint that did best on validation data."""
        return self.model(model) / "best.keras"

    def backbone(self, backbone: str, labels_only: bool = False) -> Path:
        """Pre-trained weights of a classifier's backbone, for other runs to begin with.

        Args:
            backbone: name of the network.
            labels_only: whether they were learned without outlines.
        """
        folder = self.root / "backbones"
        return (folder / "labels" if labels_only else folder) / f"{backbone}.npz"

    def calibration(self, model: str) -> Path:
        """What turns the slice scores of a scan into its probability."""
        return self.root / "calibration" / model / "calibration.json"

    @property
    def rule(self) -> Path:
        """The threshold rule, which is no network."""
        return self.model(THRESHOLD) / "rule.json"

    @property
    def weights(self) -> Path:
        """The least-squares weights of the segmenters' maps."""
        return self.model(baseline_name("nnls")) / "weights.json"

    def maps(self, record_set: str) -> Path:
        """Cached maps of the five segmenters on one record set."""
        return self.root / "maps" / record_set

    def predictions(self, model: str) -> Path:
        """Folder of one model's predictions, two CSV files a cohort."""
        return self.root / "predictions" / model

    def localisation(self, model: str) -> Path:
        """One classifier's saliency maps against outlines, a CSV with one row a slice."""
        return self.root / "localisation" / f"{model}.csv"

    def external(self, record_set: str) -> RunFolder:
        """What the run's models made of another record set, laid out as a run."""
        return RunFolder(self.root / "external" / record_set)

    def lesions(self, model: str) -> Path:
        """Folder of one model's lesions, scans and FROC points against outlines, CSV files."""
        return self.root / "lesions" / model

    def export(self, model: str, version: int = 1) -> Path:
        """A SavedModel, in TF Serving's layout."""
        return self.root / "export" / model / str(version)

    def next_version(self, model: str) -> int:
        """The latest exported version number + 1; 1 for a model without one."""
        folders = (self.root / "export" / model).glob("*")
        return 1 + max((int(path.name) for path in folders if path.name.isdecimal()), default=0)

    @property
    def tables(self) -> Path:
        """CSV and Markdown tables."""
        return self.root / "tables"

    @property
    def figures(self) -> Path:
        """PNG and SVG figures."""
        return self.root / "figures"

    @property
    def report(self) -> Path:
        """The self-contained HTML report."""
        return self.root / "report.html"
