"""Set up a run: store its configuration, and where its records lie, in the run folder.

The first training of a run does the same. With --replace the configuration of a run that has
trained models is changed; what depends on the difference must then be made again, as the workflow
does.

Example:
    python models/configure.py --config models/phantom.yaml --run runs/phantom
"""

from ichnet.scripts import begin_experiment, run_script, training_parser


def main() -> None:
    """Parse arguments, store the configuration, print where."""
    parser = training_parser(__doc__)
    parser.add_argument("--replace", action="store_true", help="overwrite another configuration")
    args = parser.parse_args()
    print(f"configuration: {begin_experiment(args, args.replace).run.config}")


if __name__ == "__main__":
    run_script(main)
