"""Compute the five segmenters' maps of one record set once, for weight models and predictions.

With `ensembles.maps: out-of-fold`, AI-Hub's training scans are added: each by segmenters that were
trained without its patient (models/train_segmenter.py --fold).

Example:
    python models/cache_maps.py --set aihub-scans
"""

from ichnet.config import SEGMENTERS
from ichnet.runs import AIHUB_SCANS, RECORD_SETS, segmenter_name
from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script


def main() -> None:
    """Parse arguments, compute, say where the maps are."""
    parser = run_parser(__doc__)
    parser.add_argument(
        "--set",
        required=True,
        choices=RECORD_SETS,
        dest="record_set",
        help="the record set to segment",
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.evaluation.maps import cache_maps
    from ichnet.evaluation.trained import load_folds, load_segmenter
    from ichnet.records.record_set import RecordSet

    one = open_experiment(args)
    run = one.run
    members = {name: load_segmenter(one.config, run, segmenter_name(name)) for name in SEGMENTERS}
    record_set = RecordSet.open(one.records / args.record_set)
    splits = [split for split in record_set.splits if split != "train"]
    folds = load_folds(one.config, record_set, run) if args.record_set == AIHUB_SCANS else []
    cache_maps(members, record_set, splits, run.maps(args.record_set), folds)
    print(f"maps: {run.maps(args.record_set)}")


if __name__ == "__main__":
    run_script(main)
