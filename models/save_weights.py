"""Save the weights of a run's five segmenters as files that other trainings can begin with.

Float16, read by both stacks: `segmenters.weights` of another experiment names their folder.

Example:
    python models/save_weights.py --run runs/mine --out weights/mine
"""

from pathlib import Path

from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script


def main() -> None:
    """Parse arguments, write a file for each segmenter, say where they are."""
    parser = run_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the files")
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.segmenter_networks import save_segmenters

    save_segmenters(open_experiment(args).run, args.out)
    print(f"saved: {args.out}")


if __name__ == "__main__":
    run_script(main)
