"""PyTorch parses the emitted CSV's cells, finds the order whole, lowers it to communication and runs that to its end."""
import csv
import io
import warnings

from plans import cases, equal, main, need

warnings.simplefilter("ignore")


def check(text, strategy, inputs):
    schedules = need("torch.distributed.pipelining.schedules")
    orders = {rank: [schedules._Action.from_str(cell) for cell in row] for rank, row in enumerate(csv.reader(io.StringIO(text)))}
    pp, stages = strategy["pp"], strategy["pp"] * strategy["vpp"]
    micro_batches = inputs["training"]["global_batch"] // (strategy["micro_batch"] * strategy["dp"])
    equal(len(orders), pp)
    rank_of = {action.stage_index: rank for rank, order in orders.items() for action in order if action is not None}
    equal(sorted(rank_of), list(range(stages)))
    schedules._validate_schedule(orders, pp, stages, micro_batches)
    compute = {rank: [action for action in order if action is not None] for rank, order in orders.items()}
    lowered = schedules._add_send_recv(compute, stage_to_rank=rank_of.__getitem__, num_stages=stages)
    done = schedules._simulate_comms_compute(lowered, stage_to_rank=rank_of.__getitem__, num_stages=stages)
    equal(sum(action is not None for order in done.values() for action in order) >= sum(map(len, compute.values())), True)


main(cases("pytorch-csv", check, ["interleaved", "uneven", "titan", "titan-looped", "titan-v"]))
