"""A variant makes anew what its changes touch, and finds the rest in the experiment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.config import ConfigError, VariantConfig, load_config, variant_config
from ichnet.runs import RunFolder
from ichnet.runs.variants import Variant

EXPERIMENT = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
STRONG, WEAK, RSNA = (
    f"models/MobileNetV2-{arm}" for arm in ("aihub-strong", "aihub-weak", "rsna-weak")
)
SEGMENTERS = [f"models/segmenter-{name}" for name in ("all", "subtype", "sdh", "sah", "small")]
RESULTS = [
    *(f"records/{name}" for name in ("rsna", "aihub-slices", "aihub-scans", "dumc")),
    STRONG, RSNA, "models/encoder-subtype", *SEGMENTERS, "maps/dumc", "models/ensemble-all",
]  # fmt: skip


def variant(**changes: object) -> Variant:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    one = VariantConfig("one", "?", named, ("ensemble-all",))
    return Variant(EXPERIMENT, variant_config(EXPERIMENT, one))


@pytest.mark.parametrize(
    ("changes", "own"),
    [
        ({}, []),
        ({"classifiers__saliency_weight": 0.7}, [STRONG, RSNA]),
        ({"ensembles__weighting": "pixel"}, ["models/ensemble-all"]),
        ({"phantom__sites_of": {"rsna": "aihub"}}, ["records/rsna", RSNA]),
        (
            {"segmenters__loss": "dice"},
            [*SEGMENTERS, "maps/dumc", "models/ensemble-all"],
        ),
        (
            {"segmenters__training_by_segmenter": {
                "sdh": {"optimizer": "sgd", "batch_size": 2, "epochs": 1, "steps_per_epoch": 1}}},
            ["models/segmenter-sdh", "maps/dumc", "models/ensemble-all"],
        ),
    ],
)  # fmt: skip
def test_what_a_change_touches(changes, own):
    one = variant(**changes)
    assert [result for result in RESULTS if one.is_own(result)] == own


def test_links_lead_to_the_experiment_and_follow_a_change(tmp_path):
    base, folder = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run" / "variants" / "one")
    (base.root / "models" / "segmenter-all").mkdir(parents=True)
    own, records = tmp_path / "own", tmp_path / "records"
    (records / "dumc").mkdir(parents=True)
    one = variant(ensembles__weighting="pixel")
    assert one.link_shared(folder, base, own, records) == records
    assert folder.model("segmenter-all").resolve() == base.model("segmenter-all").resolve()
    assert not own.exists()

    other = variant(segmenters__loss="dice", phantom__sites_of={"rsna": "aihub"})
    assert other.link_shared(folder, base, own, records) == own
    assert not folder.model("segmenter-all").is_symlink()
    assert (own / "dumc").resolve() == (records / "dumc").resolve()
    assert not (own / "rsna").is_symlink()

    folder.model("segmenter-all").mkdir(parents=True)  # trained, and of no use when it is shared
    one.link_shared(folder, base, own, records)
    assert folder.model("segmenter-all").is_symlink()


@pytest.mark.parametrize("place", ["nothing", "classifiers.nothing", "seed.nothing", "a.b.c"])
def test_a_change_of_nothing_is_refused(place):
    with pytest.raises(ConfigError, match="variant one"):
        variant_config(EXPERIMENT, VariantConfig("one", "?", {place: 1}, ()))
