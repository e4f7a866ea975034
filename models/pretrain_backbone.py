"""Pre-train a classifier's backbone on whole scans, for trainings that begin with its weights.

Where ImageNet's weights cannot be had: `classifiers.weights` of another experiment names the folder
of the file that this writes.

Example:
    python models/pretrain_backbone.py --run runs/first_weights --config models/first_weights.yaml \
        --records work/first_weights/records --backbone MobileNetV2
"""

from ichnet.config import BACKBONES
from ichnet.scripts import begin_experiment, load_tensorflow, run_script, training_parser


def main() -> None:
    """Parse arguments, train, say where the weights are."""
    parser = training_parser(__doc__)
    parser.add_argument("--backbone", required=True, choices=BACKBONES, help="the network")
    parser.add_argument(
        "--labels-only",
        action="store_true",
        help="learn from the labels of slices alone, not from outlines",
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.backbone import pretrain_backbone

    one = begin_experiment(args)
    path = pretrain_backbone(one.config, args.backbone, one.records, one.run, args.labels_only)
    print(f"trained: {path}")


if __name__ == "__main__":
    run_script(main)
