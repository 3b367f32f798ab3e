#!/usr/bin/env python3
"""Plans run over hosts whose network is known: network namespaces of this machine, each behind a link of a set rate."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from tap import PROGRAM, Skip, equal, main  # noqa: E402

BUILD = PROGRAM.parent
MODEL = {"name": "wide", "layers": 2, "hidden": 256, "heads": 4, "ffn": 512, "gated_mlp": True, "vocab": 509, "max_seq": 64}
FRAMES_FRAC = 1448 / 1538  # what TCP carries of an Ethernet frame and its gap
LONGEST_S = 300
ATTEMPTS = 4


class Cluster:
    """@hosts namespaces on one bridge; each sends @bytes_per_s at most."""

    def __init__(self, hosts, slots, bytes_per_s):
        self.hosts, self.slots, self.bytes_per_s = hosts, slots, bytes_per_s
        self.name = f"mpp{os.getpid() % 100000}"
        self.net = f"10.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}"

    def ip(self, *words, check=True):
        return subprocess.run(["ip", *map(str, words)], check=check, capture_output=True, text=True)

    def host(self, i):
        return f"{self.name}h{i}"

    def __enter__(self):
        if BUILD.name == "san":
            raise Skip("rates of the plain build only")
        if not shutil.which("ip") or not shutil.which("tc") or os.geteuid() != 0:
            raise Skip("network namespaces need root and iproute2")
        if not shutil.which("mpirun") or not (BUILD / "mpplan-backend-cpu.so").exists():
            raise Skip("mpirun or the cpu backend is not there")
        self.folder = pathlib.Path(tempfile.mkdtemp())
        try:
            self.connect()
        except subprocess.CalledProcessError as error:
            self.__exit__()
            raise Skip("not permitted: " + error.stderr.strip()) from None
        return self

    def connect(self):
        self.ip("link", "add", self.name, "type", "bridge")
        self.ip("link", "set", self.name, "up")
        self.ip("addr", "add", f"{self.net}.254/24", "dev", self.name)
        for i in range(self.hosts):
            host = self.host(i)
            self.ip("netns", "add", host)
            self.ip("link", "add", f"{host}v", "type", "veth", "peer", "name", "eth0", "netns", host)
            self.ip("link", "set", f"{host}v", "master", self.name, "up")
            for words in (["link", "set", "lo", "up"], ["addr", "add", f"{self.net}.{i + 1}/24", "dev", "eth0"],
                          ["link", "set", "eth0", "up"]):
                self.ip("-n", host, *words)
            subprocess.run(["tc", "-n", host, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", f"{8 * self.bytes_per_s:.0f}bit",
                            "burst", "64k", "latency", "100ms"], check=True, capture_output=True, text=True)
        agent = self.folder / "agent"
        agent.write_text('#!/bin/sh\nhost=$1\nshift\nexec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"\n')
        agent.chmod(0o755)
        (self.folder / "hosts").write_text("".join(f"{self.host(i)} slots={self.slots}\n" for i in range(self.hosts)))

    def __exit__(self, *_):
        for i in range(self.hosts):
            self.ip("netns", "del", self.host(i), check=False)
            self.ip("link", "del", f"{self.host(i)}v", check=False)
        self.ip("link", "del", self.name, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def profile(self):
        """The network as a cluster: what is known of it, nothing fitted."""
        tier = {"p2p_frac": FRAMES_FRAC, "efficiency_frac": FRAMES_FRAC, "latency_s": 1e-4, "step_s": 1e-4}
        inside = {"name": "memory", "devices": self.slots, "bytes_per_s": 4e9, **tier}
        between = {"name": "link", "bytes_per_s": self.bytes_per_s, "shared_by": self.slots, **tier}
        tiers = [inside, between] if self.slots > 1 else [between]
        sources = {f"{t['name']}.{field}": "test" for t in tiers for field in ("bytes_per_s", *tier)}
        return {"name": "namespaces", "title": "Namespaces", "device": "cpu-host", "tiers": tiers, "sources": sources}

    def mpplan(self, *arguments, status=0):
        network = {"OMPI_MCA_plm_rsh_agent": str(self.folder / "agent"), "OMPI_MCA_btl": "tcp,vader,self",
                   "OMPI_MCA_btl_tcp_if_include": f"{self.net}.0/24", "OMPI_MCA_oob_tcp_if_include": f"{self.net}.0/24"}
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder, env=os.environ | network, capture_output=True,
                              text=True, timeout=LONGEST_S)
        equal((done.returncode, done.stderr) if done.returncode != status else status, status)
        return done.stdout

    def run(self, strategy):
        """Seconds a step, predicted and measured, by action."""
        (self.folder / "model.json").write_text(json.dumps(MODEL))
        (self.folder / "cluster.json").write_text(json.dumps(self.profile()))
        self.mpplan("estimate", "--model", "model.json", "--gpus", self.hosts * self.slots, "--cluster", "cluster.json", "--runtime",
                    "mpplan-run", "--precision", "fp32", "--seq", 64, "--global-batch", 4, "--strategy", strategy, "-o", "plan.json")
        out = self.mpplan("validate", "plan.json", "--hostfile", "hosts", "--json", "--steps", 2, "--warm-up", 1, "--tolerance", 1e9)
        return json.loads(out)


def check(cluster, strategy, seconds):
    """@seconds(comparison): predicted and measured. A busy machine only adds time, so one undisturbed run of a few is enough."""
    for _ in range(ATTEMPTS):
        predicted, measured = seconds(cluster.run(strategy)["comparison"])
        if 0.9 < measured / predicted < 1.2:
            return
        assert measured > predicted, f"{strategy}: faster than the link: measured {measured:.4f} s, predicted {predicted:.4f} s"
    raise AssertionError(f"{strategy} at {cluster.bytes_per_s} bytes/s: measured {measured:.4f} s, predicted {predicted:.4f} s")


def exchange(comparison):
    action = next(a for a in comparison["actions"] if a["name"] == "gradients between replicas")
    return action["predicted_s"], action["measured_s"]


def step(comparison):
    return comparison["step_s"]["predicted"], comparison["step_s"]["least"]


def case_gradients_over_a_known_link():
    for bytes_per_s in (2e7, 5e6):
        with Cluster(2, 1, bytes_per_s) as cluster:
            check(cluster, "dp=2,mbs=2", exchange)


def case_sharded_states_over_a_known_link():
    with Cluster(2, 1, 1e7) as cluster:
        check(cluster, "dp=2,mbs=2,zero=1", exchange)


def case_ranks_share_their_hosts_link():
    with Cluster(2, 2, 1e7) as cluster:
        check(cluster, "dp=2,tp=2,mbs=2", exchange)


def case_parameters_gathered_over_the_link():
    with Cluster(2, 2, 1e7) as cluster:
        check(cluster, "dp=2,tp=2,mbs=1,zero=3", step)


def case_splits_rank_as_predicted():
    """From a step that sends activations to one that sends parameters in every pass."""
    with Cluster(2, 2, 1e7) as cluster:
        steps = [step(cluster.run(s)["comparison"]) for s in ("dp=2,tp=2,mbs=1,zero=3", "dp=2,tp=2,mbs=1", "dp=2,pp=2,mbs=1")]
    equal(sorted(steps), sorted(steps, key=lambda times: times[1]))


def case_measured_links_become_a_profile():
    """Groups on one host and over both are told apart, and the rate between hosts is found from a guess that is far off."""
    with Cluster(2, 2, 1e8) as cluster:
        cluster.mpplan("measure", "--ranks", 4, "--rounds", 1, "--hostfile", "hosts", "-o", "samples.json")
        samples = json.loads((cluster.folder / "samples.json").read_text())["samples"]
        groups = {(s["ranks"], s.get("nodes", 1), s.get("busy_ranks", 1)) for s in samples if s["kind"] == "collective"}
        equal(groups, {(2, 1, 2), (4, 2, 2)})  # three ranks lie unevenly
        guess = cluster.profile()
        guess["tiers"][1]["bytes_per_s"] = 8e8
        guess["sources"] = {key: "guess: a test's" for key in guess["sources"]}
        (cluster.folder / "cluster.json").write_text(json.dumps(guess))
        cluster.mpplan("calibrate", "--samples", "samples.json", "--cluster", "cluster.json", "-o", "fitted.json")
        link = json.loads((cluster.folder / "fitted.json").read_text())["tiers"][1]
    reached = link["bytes_per_s"] * link["efficiency_frac"]
    assert 0.6e8 < reached < 1.2e8, reached


main(globals())
