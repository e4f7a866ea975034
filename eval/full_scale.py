"""Measure what each training of an experiment costs here, and estimate the cost on other devices.

    python eval/full_scale.py --config models/paper.yaml --run runs/paper

Takes some minutes: every network is built at the configuration's matrix and trained for a few
steps. --device-tflops is the throughput of the device to estimate for.
"""

from __future__ import annotations

from collections import Counter

from ichnet.config import load_config
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.full_scale import Cost, full_scale_table, makespan
from ichnet.reporting.tables.table import to_markdown
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, load_tensorflow, run_script


def main() -> None:
    """Run the script."""
    parser = experiment_parser(__doc__, "config", "run")
    parser.add_argument(
        "--device-tflops",
        type=float,
        default=15,
        metavar="TFLOPS",
        help="throughput of the target device, float32 TFLOP/s (default: 15)",
    )
    parser.add_argument(
        "--batch",
        type=int,
        default=2,
        metavar="N",
        help="batch size of the measured steps (default: 2)",
    )
    args = parser.parse_args()
    load_tensorflow()
    from ichnet.networks.flops import matrix_product_rate
    from ichnet.training.workload import MEASURED_STEPS, measure_networks, trainings

    config = load_config(args.config)
    jobs = trainings(config)
    one_of = {job.network: job for job in jobs}
    counts = Counter(job.network for job in jobs)
    rate, device_rate = matrix_product_rate(), args.device_tflops * 1e12
    costs = {}
    for one in measure_networks(config, args.batch):
        job = one_of[one.name]
        costs[one.name] = Cost(
            one.name,
            counts[one.name],
            one.parameters,
            one.forward_flops,
            one.activation_bytes,
            one.seconds_per_slice,
            job.slices,
            job.batch,
        )
        print(f"{one.name}: {one.seconds_per_slice:.3g} s a slice")
    hours = {job.model: costs[job.network].hours(rate, device_rate) for job in jobs}
    after = {job.model: job.after for job in jobs}
    table = full_scale_table(
        list(costs.values()),
        {devices: makespan(hours, after, devices) for devices in (1, 8)},
        rate,
        device_rate,
        args.batch,
        MEASURED_STEPS,
    )
    print(to_markdown(table))
    for path in write_table(table, RunFolder(args.run).tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
