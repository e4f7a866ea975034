"""Train one of the five segmenters, Models 1 to 5 (paper section 2.2).

`all` and `subtype` learn from every scan (`subtype` starts from a pre-trained encoder, see
models/pretrain_encoder.py); `sdh`, `sah` and `small` from scans of that kind and normal ones.

Example:
    python models/train_segmenter.py --segmenter sdh
"""

from ichnet.config import SEGMENTERS
from ichnet.runs import RunFolder, fold_name, segmenter_name
from ichnet.scripts import experiment_parser, load_experiment, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, train, say where the model is."""
    parser = experiment_parser(__doc__, "config", "records", "run", "seed")
    parser.add_argument("--segmenter", required=True, choices=SEGMENTERS, help="which of the five")
    parser.add_argument(
        "--fold",
        type=int,
        metavar="K",
        help="leave out the patients of fold K (1, 2, ...), for out-of-fold maps",
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.segmenter import train_segmenter

    config, run = load_experiment(args), RunFolder(args.run)
    train_segmenter(config, args.segmenter, args.records, run, args.fold)
    name = fold_name(segmenter_name(args.segmenter), args.fold, config.ensembles.folds)
    print(f"trained: {run.best(name)}")


if __name__ == "__main__":
    run_script(main)
