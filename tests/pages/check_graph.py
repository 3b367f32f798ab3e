#!/usr/bin/env python3
"""Pictures of plans: valid, small, nothing overlaps, and they show what the graph holds; mpplan-draw refuses what is wrong."""
import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from browser import Browser, find  # noqa: E402
from tap import JOB, PROGRAM, Skip, equal, main, near, run, run_json  # noqa: E402

MOST_BYTES = 2_000_000
SVG = "{http://www.w3.org/2000/svg}"
FOLDER = tempfile.TemporaryDirectory()
PLANS = {
    "one": [*JOB, "--gpus", 1, "--global-batch", 4, "--strategy", "mbs=1"],
    "small": [*JOB, "--gpus", 12, "--global-batch", 48, "--strategy", "tp=2,pp=3,mbs=2,sp,zero=1"],
    "chunks": [*JOB, "--gpus", 12, "--global-batch", 48, "--strategy", "tp=2,pp=3,vpp=2,mbs=1,stages=1/2/2/2/2/3"],
    "experts": ["--model", "data/experts.json", *JOB[2:], "--gpus", 12, "--global-batch", 48, "--strategy", "pp=2,ep=6,mbs=1,zero=1"],
    "wide": ["--model", "llama-3.1-405b", "--gpus", 1024, "--strategy", "tp=8,cp=4,pp=8,vpp=4,sp,mbs=1,zero=1,schedule=interleaved"],
    "many": ["--model", "llama-3.1-405b", "--gpus", 1024, "--strategy", "tp=8,pp=16,vpp=7,sp,mbs=1,zero=1"],
}
VIEWS = ([], ["--replica", 0], ["--stage", 0], ["--layer", 1])


def plan(name):
    path = pathlib.Path(FOLDER.name) / f"{name}.json"
    if not path.exists():
        run("estimate", *PLANS[name], "-o", path)
    return path


def graph(name, *view):
    return run_json("graph", plan(name), "--json", *view)


def picture(name, *view):
    out = pathlib.Path(FOLDER.name) / f"{name}.svg"
    run("graph", plan(name), "-o", out, *view)
    return out


def boxes(root):
    """Each node's outermost shape, as left, top, right, bottom."""
    found = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("class") != "node":
            continue
        numbers = []
        for shape in group.iter():
            if shape.tag == f"{SVG}polygon":
                numbers += [tuple(map(float, point.split(","))) for point in shape.get("points").split()]
            elif shape.tag == f"{SVG}path":
                text = shape.get("d").replace("M", " ").replace("C", " ").split()
                numbers += [tuple(map(float, point.split(","))) for point in text]
        found[group.find(f"{SVG}title").text] = (min(x for x, _ in numbers), min(y for _, y in numbers),
                                                 max(x for x, _ in numbers), max(y for _, y in numbers))
    return found


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def case_every_view_is_drawn():
    for name in PLANS:
        for view in VIEWS:
            shown, path = graph(name, *view), picture(name, *view)
            root = xml.parse(path).getroot()
            equal(root.tag, f"{SVG}svg")
            assert path.stat().st_size < MOST_BYTES
            drawn = boxes(root)
            equal(sorted(drawn), sorted(node["id"] for node in shown["nodes"]))
            places = list(drawn.items())
            for i, (first, a) in enumerate(places):
                for second, b in places[i + 1:]:
                    assert not overlap(a, b), f"{name} {view}: {first} lies over {second}"
            texts = {text.text for text in root.iter(f"{SVG}text")}
            for node in shown["nodes"]:
                assert node["title"] in texts, f"{name} {view}: {node['title']} is not shown"


def case_ranks_are_in_order():
    """From top to bottom along tp."""
    tops = [box[1] for name, box in sorted(boxes(xml.parse(picture("many", "--stage", 1)).getroot()).items()) if name.startswith("rank-")]
    assert len(tops) == 8 and tops == sorted(tops), tops


def case_text_stays_in_its_box():
    """As a browser sets it: no line of a node is wider than the node."""
    if not find():
        raise Skip("there is no Chromium")
    script = """[...document.querySelectorAll("g.node")].flatMap((node) => {
        const shape = node.querySelector("path, polygon").getBBox();
        return [...node.querySelectorAll("text")].map((text) => text.getBBox())
          .filter((box) => box.x + box.width > shape.x + shape.width + 2 || box.y + box.height > shape.y + shape.height + 4).map((box) => box.x);
      }).length"""
    with Browser() as page:
        for name in PLANS:
            for view in VIEWS:
                page.open(picture(name, *view))
                equal(page.complaints(), [])
                equal(page.evaluate(script), 0)


def case_dark():
    if not find():
        raise Skip("there is no Chromium")
    paper = "getComputedStyle(document.querySelector('g.graph > polygon')).fill"
    with Browser() as page:
        page.open(picture("small"))
        equal(page.evaluate(paper), "rgb(255, 255, 255)")
        page.dress(True)
        assert all(int(part) < 60 for part in page.evaluate(paper)[4:-1].split(","))
        equal(page.evaluate("""[...document.querySelectorAll("text")].filter((text) => {
            const [r, g, b] = getComputedStyle(text).fill.match(/\\d+/g).map(Number);
            return r + g + b < 300 && text.textContent !== "■" && !text.previousElementSibling?.matches("polygon"); }).length"""), 0)


def case_formats():
    for suffix, start in ((".png", b"\x89PNG"), (".pdf", b"%PDF"), (".dot", b"digraph"), (".SVG", b"<?xml")):
        out = pathlib.Path(FOLDER.name) / f"format{suffix}"
        run("graph", plan("small"), "-o", out)
        assert out.read_bytes().startswith(start), suffix
    out = pathlib.Path(FOLDER.name) / "format.json"
    equal(run("graph", plan("small"), "-o", out).stdout, "")
    equal(json.loads(out.read_text()), graph("small"))


def case_same_bytes():
    first = picture("many").read_bytes()
    equal(picture("many").read_bytes(), first)


def case_stages_add_up():
    """Passes of a stage's nodes are the stage's, and its plan's."""
    for name in PLANS:
        best = json.loads(plan(name).read_text())["best"]
        shown = graph(name, "--replica", 0)
        equal(len(shown["clusters"]), best["strategy"]["pp"])
        for k, (cluster, stage) in enumerate(zip(shown["clusters"], best["stages"])):
            near(cluster["forward_s"], stage["forward_s"])
            near(cluster["peak_bytes"], best["memory_bytes"]["by_stage"][k]["allocated"])
            nodes = [node for node in shown["nodes"] if node["cluster"] == k and node["kind"] != "states"]
            assert sum(node.get("backward_s", 0) for node in nodes) <= stage["backward_s"] * (1 + 1e-9)
            near(sum(node.get("backward_s", 0) for node in nodes), stage["backward_s"], 0.02)


def case_memory_adds_up():
    for name in PLANS:
        best = json.loads(plan(name).read_text())["best"]
        shown = graph(name, "--replica", 0, "--color", "memory")
        equal(shown["colour"], "memory")
        for k, stage in enumerate(best["memory_bytes"]["by_stage"]):
            held = sum(node.get("memory_bytes", 0) for node in shown["nodes"] if node["cluster"] == k)
            near(held + stage["working"], stage["allocated"], 1e-3)


def case_messages():
    """Every chunk but the last sends each micro-batch once."""
    for name in PLANS:
        strategy = json.loads(plan(name).read_text())["best"]["strategy"]
        for view in ([], ["--replica", 0]):
            messages = [edge for edge in graph(name, *view)["edges"] if edge["axis"] == "pp"]
            equal(sum(edge["forward_times"] for edge in messages), strategy["pp"] * strategy["vpp"] - 1)


def case_splits():
    """Megatron's split of a layer: into columns at the entry, into rows at the exit."""
    nodes = {node["id"]: node for node in graph("small", "--layer", 3)["nodes"]}
    split = {node["title"]: node.get("split", {}) for node in nodes.values() if node["kind"] == "matmul"}
    for title, expected in (("qkv projection", "columns"), ("mlp up projection", "columns"), ("output projection", "rows"),
                            ("mlp down projection", "rows")):
        equal({key for key in ("columns", "rows") if split[title].get(key, 1) > 1}, {expected})
        equal(split[title][expected], 2)
    experts = [node for node in graph("experts", "--layer", 5)["nodes"] if node.get("split", {}).get("instances", 1) > 1]
    equal({node["split"]["instances"] for node in experts if node["kind"] == "matmul"}, {6})


WRONG = [
    (lambda g: g["edges"][0].update(to="nowhere"), '/edges/0/to: there is no node "nowhere"'),
    (lambda g: g["nodes"][1].update(id=g["nodes"][0]["id"]), "/nodes/1/id: the id "),
    (lambda g: g["nodes"][2].update(cluster=77), "/nodes/2/cluster: there are 3 clusters, no cluster 77"),
    (lambda g: g["nodes"][0].update(kind="house"), '/nodes/0/kind: unknown kind of node "house"; known: '),
    (lambda g: g.update(colour=3), "/colour: expected "),
    (lambda g: g["nodes"][0].update(title=7), "/nodes/0/title: expected a string, got 7"),
]


def draw(text, word="svg"):
    return subprocess.run([PROGRAM.parent / "mpplan-draw", word], input=text, capture_output=True, text=True)


def case_drawing_refuses():
    for spoil, message in WRONG:
        wrong = graph("small", "--replica", 0)
        spoil(wrong)
        done = draw(json.dumps(wrong))
        equal(done.returncode, 5)
        assert message in done.stderr.splitlines()[0], done.stderr
        equal(done.stdout, "")
    equal(draw("{", "svg").returncode, 5)
    equal(draw("{}", "jpeg").returncode, 2)


def case_any_text_is_drawn():
    """Names are text, whatever they hold."""
    odd = graph("small")
    odd["title"] = odd["nodes"][0]["title"] = "a <b> & \"c\" \\n größer 模型"
    done = draw(json.dumps(odd))
    equal(done.returncode, 0)
    texts = {text.text for text in xml.fromstring(done.stdout.encode()).iter(f"{SVG}text")}
    assert odd["title"] in texts, texts


main(globals())
