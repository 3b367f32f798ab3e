#!/usr/bin/env python3
"""Traces of simulated steps, read as other programs read them."""
import collections
import gzip
import importlib.util
import json
import logging
import re
import xml.etree.ElementTree as ET

from tap import JOB, Skip, equal, main, near, run, run_json, scratch

STRATEGIES = ["dp=24", "tp=2,pp=3,mbs=2,sp,zero=1", "tp=2,pp=2,vpp=3,mbs=2,sp,zero=0,schedule=interleaved", "cp=2,pp=2,zero=1,recompute=full"]
GPUS = 24
COMPUTE, SEND, RECEIVE, COLLECTIVE = 4, 5, 6, 7


def simulate(strategy, *more):
    return run("simulate", *JOB, "--gpus", GPUS, "--global-batch", 96, "--strategy", strategy, *more)


def result(strategy, *more):
    return run_json("simulate", *JOB, "--gpus", GPUS, "--global-batch", 96, "--strategy", strategy, "--json", *more)


# --- Chrome ---

def nanoseconds(event):
    start = round(event["ts"] * 1000)
    return start, start + round(event["dur"] * 1000)


def check_nesting(events):
    tracks = collections.defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            tracks[event["pid"], event["tid"]].append(nanoseconds(event))
    for track, spans in tracks.items():
        open_ends = []
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            assert end >= start
            while open_ends and open_ends[-1] <= start:
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1], f"{track}: {start}-{end} crosses the end at {open_ends[-1]}"
            open_ends.append(end)


def check_flows(events):
    begun = {event["id"]: event for event in events if event["ph"] == "s"}
    ended = {event["id"]: event for event in events if event["ph"] == "f"}
    equal(begun.keys(), ended.keys())
    for flow, event in begun.items():
        assert ended[flow]["ts"] >= event["ts"] and ended[flow]["pid"] != event["pid"]
    return len(begun)


@scratch
def case_chrome(folder):
    for strategy in STRATEGIES:
        for more in ([], ["--detail"], ["--unfold"], ["--jitter", "0.2", "--runs", "1"]):
            simulate(strategy, "--trace", folder / "t.json", *more)
            trace = json.loads((folder / "t.json").read_text())
            check_nesting(trace["traceEvents"])
            flows = check_flows(trace["traceEvents"])
            assert (flows > 0) == ("pp" in strategy)


@scratch
def case_compressed(folder):
    simulate(STRATEGIES[1], "--trace", folder / "t.json")
    simulate(STRATEGIES[1], "--trace", folder / "t.json.gz")
    equal(gzip.decompress((folder / "t.json.gz").read_bytes()), (folder / "t.json").read_bytes())
    equal(sorted(path.name for path in folder.iterdir()), ["t.json", "t.json.gz"])


@scratch
def case_ranks(folder):
    simulate(STRATEGIES[1], "--trace", folder / "t.json", "--unfold", "--ranks", "0-1,17")
    events = json.loads((folder / "t.json").read_text())["traceEvents"]
    equal({event["pid"] for event in events}, {0, 16})


# --- Kineto ---

def kernels(path):
    return [event for event in json.loads(path.read_text())["traceEvents"] if event["cat"] == "kernel"]


@scratch
def case_kineto(folder):
    for strategy in STRATEGIES:
        lanes = result(strategy)["lanes"]
        simulate(strategy, "--trace", folder / "k", "--format", "kineto")
        for lane in lanes:
            path = folder / "k" / f"rank.{lane['first_rank']}.json"
            compute = sum(k["dur"] for k in kernels(path) if not k["name"].startswith("nccl")) / 1e6
            near(compute, lane["time_s"]["compute"], 1e-6)
            path.unlink()
        (folder / "k").rmdir()


@scratch
def case_holistic_trace_analysis(folder):
    """Its temporal breakdown, to the microsecond that it rounds each kernel to."""
    if not importlib.util.find_spec("hta"):
        raise Skip("HolisticTraceAnalysis is not installed")
    logging.disable(logging.CRITICAL)
    from hta.trace_analysis import TraceAnalysis
    for strategy in STRATEGIES[:2]:
        lanes = {lane["first_rank"]: lane["time_s"] for lane in result(strategy)["lanes"]}
        simulate(strategy, "--trace", folder / strategy, "--format", "kineto")
        table = TraceAnalysis(trace_dir=str(folder / strategy)).get_temporal_breakdown(visualize=False)
        equal(sorted(table["rank"]), sorted(lanes))
        for _, row in table.iterrows():
            rank = int(row["rank"])
            time_s, rounding = lanes[rank], 2 * len(kernels(folder / strategy / f"rank.{rank}.json"))
            waits = time_s["exchange"] + time_s["data"] + time_s["message"]
            early = time_s["idle"] if "pp" in strategy else 0  # messages that arrive while the rank waits for others
            assert abs(row["compute_time(us)"] - 1e6 * time_s["compute"]) <= rounding
            assert -rounding <= row["non_compute_time(us)"] - 1e6 * waits <= 1e6 * early + rounding


# --- Chakra ---

def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return value, at


def fields(data):
    """Protobuf's wire format: (number, value) of a message; a nested message or a string as bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        assert key & 7 in (0, 2), f"wire type {key & 7}"
        value, at = varint(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        yield key >> 3, value


def node_of(data):
    node = {"depends": [], "attributes": {}, "us": 0}
    for number, value in fields(data):
        if number in (1, 3, 7):
            node[{1: "id", 3: "kind", 7: "us"}[number]] = value
        elif number == 5:
            at = 0
            while at < len(value):
                depends, at = varint(value, at)
                node["depends"].append(depends)
        elif number == 10:
            attribute = dict(fields(value))
            name = attribute.pop(1).decode()
            node["attributes"][name] = next(iter(attribute.values()), 0)
    return node


def nodes_of(path):
    data, at, messages = path.read_bytes(), 0, []
    while at < len(data):
        length, at = varint(data, at)
        messages.append(data[at:at + length])
        at += length
    equal(dict(fields(messages[0])), {1: b"0.0.4"})
    return [node_of(message) for message in messages[1:]]


def partners(rank, node, groups, every_rank):
    """What must be there beside the node for it to run: a name for it and the ranks that come to it."""
    attributes = node["attributes"]
    if node["kind"] == COLLECTIVE:
        group = attributes.get("pg_name", b"").decode()
        return ("group", group, attributes["comm_type"], attributes["comm_size"]), groups[group] if group else every_rank
    source, target = attributes.get("comm_src", 0), attributes.get("comm_dst", 0)
    equal(source if node["kind"] == SEND else target, rank)
    return ("message", source, target, attributes.get("comm_tag", 0), attributes["comm_size"]), [target]


def replay(ranks, groups):
    """Runs the traces on a network that takes no time. Returns: microseconds until all is done; fails on a deadlock."""
    done, waiting = {rank: {} for rank in ranks}, {rank: collections.deque(nodes) for rank, nodes in ranks.items()}
    met, turn = collections.defaultdict(dict), collections.Counter()
    moved = True
    while moved:
        moved = False
        for rank, left in waiting.items():
            for _ in range(len(left)):
                node = left.popleft()
                if not all(other in done[rank] for other in node["depends"]):
                    left.append(node)
                    continue
                start = max((done[rank][other] for other in node["depends"]), default=0)
                if node["kind"] == COMPUTE:
                    done[rank][node["id"]] = start + node["us"]
                    moved = True
                    continue
                if "meeting" not in node:
                    name, members = partners(rank, node, groups, sorted(ranks))
                    count = turn[rank, name[:2]] if name[0] == "group" else 0
                    turn[rank, name[:2]] += name[0] == "group"
                    node["meeting"], node["members"] = (*name, count), members
                    if node["kind"] != RECEIVE:
                        met[node["meeting"]][rank] = start
                    moved = True
                there = met[node["meeting"]]
                if node["kind"] == COLLECTIVE and len(there) < len(node["members"]) or not there:
                    left.append(node)
                    continue
                done[rank][node["id"]] = max(start, *there.values()) if node["kind"] != SEND else start
                moved = True
    assert not any(waiting.values()), {rank: [node["id"] for node in left][:3] for rank, left in waiting.items() if left}
    return max(max(times.values()) for times in done.values())


@scratch
def case_chakra(folder):
    for strategy in STRATEGIES:
        lanes = result(strategy)["lanes"]
        for more in ([], ["--detail"]) if strategy == STRATEGIES[1] else ([],):
            simulate(strategy, "--trace", folder, "--format", "chakra", *more)
            groups = json.loads((folder / "groups.json").read_text())
            ranks = {int(re.search(r"\d+", path.name)[0]): nodes_of(path) for path in folder.glob("plan.*.et")}
            equal(sorted(ranks), list(range(GPUS)))
            assert all(len(group) > 1 and group == sorted(group) for group in groups.values())
            longest_us = replay(ranks, groups)
            computed_us = max(sum(node["us"] for node in nodes if node["kind"] == COMPUTE) for nodes in ranks.values())
            nodes = max(len(nodes) for nodes in ranks.values())
            assert computed_us <= longest_us <= 1e6 * result(strategy)["step_time_s"] + nodes
            assert computed_us <= 1e6 * max(lane["time_s"]["compute"] for lane in lanes) + nodes


# --- SVG and JSON ---

@scratch
def case_svg(folder):
    simulate(STRATEGIES[2], "--trace", folder / "t.svg")
    space = "{http://www.w3.org/2000/svg}"
    root = ET.parse(folder / "t.svg").getroot()
    passes = [box for box in root.iter(f"{space}rect") if box.get("class")[0] in "fb" and box.find(f"{space}title") is not None]
    equal(len(passes), 2 * 6 * 8)
    right = float(root.get("width"))
    assert all(float(box.get("x")) + float(box.get("width")) <= right for box in passes)


def case_json():
    for strategy in STRATEGIES:
        got = result(strategy, "--spans")
        for lane in got["lanes"]:
            near(sum(lane["time_s"].values()), got["step_time_s"])
            peak = lane["memory"]["peak"]
            near(max(lane["memory"]["curve"]["bytes"]), peak["bytes"])
            near(sum(peak["parts_bytes"].values()), peak["bytes"])
        near(sum(part["time_s"] for part in got["critical_path"]), got["step_time_s"])
        assert max(got["spans"]["end_s"]) <= got["step_time_s"]


@scratch
def case_unwritable(folder):
    (folder / "file").write_text("")
    done = run("simulate", *JOB, "--gpus", GPUS, "--strategy", "dp=24", "--trace", folder / "file" / "t.json", status=1)
    equal(done.stdout, "")
    equal(done.stderr, f"mpplan: {folder}/file/t.json: Not a directory\n")
    equal([path.name for path in folder.iterdir()], ["file"])


main(globals())
