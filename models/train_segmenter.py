"""Train one of the five segmenters, Models 1 to 5 (paper section 2.2).

`all` and `subtype` learn from every scan (`subtype` starts from a pre-trained encoder, see
models/pretrain_encoder.py); `sdh`, `sah` and `small` from scans of that kind and normal ones.

Example:
    python models/train_segmenter.py --segmenter sdh
"""

from ichnet.config import SEGMENTERS
from ichnet.runs import RunFolder, segmenter_name
from ichnet.scripts import experiment_parser, load_experiment, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, train, say where the model is."""
    parser = experiment_parser(__doc__, "config", "records", "run", "seed")
    parser.add_argument("--segmenter", required=True, choices=SEGMENTERS)
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.segmenter import train_segmenter

    run = RunFolder(args.run)
    train_segmenter(load_experiment(args), args.segmenter, args.records, run)
    print(f"trained: {run.best(segmenter_name(args.segmenter))}")


if __name__ == "__main__":
    run_script(main)
