"""Compute the five segmenters' maps of one record set once, for weight models and predictions.

With `ensembles.maps: out-of-fold`, AI-Hub's training scans are added: each by segmenters that were
trained without its patient (models/train_segmenter.py --fold).

Example:
    python models/cache_maps.py --set aihub-scans
"""

from ichnet.runs import RECORD_SETS
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
    from ichnet.evaluation.trained import cache_maps_of_run
    from ichnet.records.record_set import RecordSet

    one = open_experiment(args)
    record_set = RecordSet.open(one.records / args.record_set)
    print(f"maps: {cache_maps_of_run(one.config, record_set, one.run)}")


if __name__ == "__main__":
    run_script(main)
