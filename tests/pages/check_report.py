#!/usr/bin/env python3
"""The report's page in a headless Chromium: no complaints, nothing fetched, zoom, sort and pick; light and dark, wide and narrow."""
import html.parser
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from browser import Browser, find  # noqa: E402
from tap import HERE, JOB, Skip, equal, main, near, run, run_json  # noqa: E402

MOST_BYTES = 2_000_000
FOLDER = tempfile.TemporaryDirectory()
VOID = {"meta", "link", "input", "br"}


def page(name, *question):
    """Plans and reports once; returns the page's path."""
    plan, out = (pathlib.Path(FOLDER.name) / f"{name}.{suffix}" for suffix in ("json", "html"))
    if not out.exists():
        run("plan", *question, "-o", plan)
        run("report", plan, "-o", out)
    return out


def small():
    return page("small", *JOB, "--gpus", 12, "--global-batch", 48, "--strategy", "pp=3,tp=2", "--top", 6)


def large():
    return page("large", "--model", "deepseek-v3", "--gpus", 2048, "--strategy", "pp=16,dp=16,cp=8,ep=8,recompute=full")


def browser(**options):
    if not find():
        raise Skip("there is no Chromium")
    return Browser(**options)


class Elements(html.parser.HTMLParser):
    """Checks that elements close in order and ids are unique."""

    def __init__(self):
        super().__init__()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        self.ids += [value for name, value in attributes if name == "id"]
        for name, value in attributes:
            assert name not in ("src", "srcset") and not (value or "").startswith("http"), f"{tag} {name}={value}"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        equal(self.open.pop(), tag)


def case_one_file():
    for path in (small(), large()):
        text = path.read_text()
        elements = Elements()
        elements.feed(text)
        equal(elements.open, [])
        equal(len(set(elements.ids)), len(elements.ids))
        assert len(text.encode()) < MOST_BYTES, len(text)


def case_data_agrees_with_the_plan():
    text = small().read_text()
    data = json.loads(text.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    plan = json.loads(small().with_suffix(".json").read_text())
    near(data["estimate"]["step_time_s"], plan["best"]["step_time_s"])
    near(sum(data["estimate"]["time_s"].values()), plan["best"]["step_time_s"])
    equal(data["estimate"]["memory_bytes"], plan["best"]["memory_bytes"])
    equal(len(data["alternatives"]), len(plan["alternatives"]))
    equal(data["verdict"].endswith("(all evaluated)."), plan["search"]["pruned"]["bound"] == 0)
    for row, alternative in zip(data["alternatives"], plan["alternatives"]):
        near(row["step_s"], alternative["step_time_s"])
        assert row["reason"]
    ends = [sum(lane["compute"][0::5]) + lane["compute"][-4] for lane in data["timeline"]["lanes"]]
    assert max(ends) <= 1e6 * data["timeline"]["step_s"] + 1, (max(ends), data["timeline"]["step_s"])
    micro_batches = 48 // plan["best"]["strategy"]["dp"] // plan["best"]["strategy"]["micro_batch"] * plan["best"]["strategy"]["vpp"]
    for lane in data["timeline"]["lanes"]:
        equal([lane["compute"][2::5].count(kind) for kind in (0, 1)], [micro_batches, micro_batches])


def case_an_estimate_is_searched():
    folder = pathlib.Path(FOLDER.name)
    run("estimate", *JOB, "--gpus", 12, "--global-batch", 48, "--strategy", "tp=2,pp=3,mbs=2", "-o", folder / "estimate.json")
    run("report", folder / "estimate.json", "-o", folder / "estimate.html")
    text = (folder / "estimate.html").read_text()
    best = run_json("plan", *JOB, "--gpus", 12, "--global-batch", 48, "--json")["best"]["step_time_s"]
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    near(min(row["step_s"] for row in data["alternatives"]), best)
    assert data["verdict"].startswith("The best plan found is "), data["verdict"]


def case_names_are_text():
    """A model's name may hold anything: it neither ends the data nor becomes an element."""
    folder = pathlib.Path(FOLDER.name)
    model = json.loads((HERE / "data" / "model.json").read_text())
    model["name"] = "</script><script>throw 1</script><b>&amp;"
    (folder / "odd.json").write_text(json.dumps(model))
    path = page("odd-name", "--model", folder / "odd.json", *JOB[2:], "--gpus", 2, "--global-batch", 8)
    with browser() as page_:
        page_.open(path)
        equal(page_.complaints(), [])
        assert model["name"] in page_.evaluate("document.querySelector('.question').textContent")
        equal(page_.evaluate("document.querySelectorAll('b').length"), 0)


def case_no_complaints():
    with browser() as page_:
        for path in (small(), large()):
            for width in (1280, 390):
                for dark in (False, True):
                    page_.resize(width, 900)
                    page_.dress(dark)
                    page_.open(path)
                    equal(page_.complaints(), [])
                    assert page_.evaluate("document.documentElement.scrollWidth") <= width
                    shade = page_.evaluate("getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")[0]
                    assert (int(shade) < 128) == dark, shade


def case_text_can_be_read():
    """Text against its background: a contrast of at least 4.5 (WCAG 2.1, 1.4.3), in both schemes."""
    script = """(() => { const rgb = (s) => s.match(/[\\d.]+/g).slice(0, 3).map(Number),
        light = (c) => { const [r, g, b] = rgb(c).map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const style = (e) => getComputedStyle(e), paper = light(style(document.body).backgroundColor);
        return [...document.querySelectorAll("h1, h2, h3, p, dt, dd, th, td, summary, .amount, .row span:first-child, .legend span")]
          .filter((e) => e.textContent.trim() && e.offsetParent && !e.closest("tr.picked, button"))
          .map((e) => { const ink = light(style(e).color), [a, b] = [Math.max(ink, paper), Math.min(ink, paper)];
            return [(a + 0.05) / (b + 0.05), e.textContent.slice(0, 40)]; }).filter(([ratio]) => ratio < 4.5); })()"""
    with browser() as page_:
        for dark in (False, True):
            page_.dress(dark)
            page_.open(small())
            equal(page_.evaluate(script), [])


def case_sort():
    cell = "[...document.querySelectorAll('#alternatives-table tbody tr td:nth-child(4)')].map((e) => e.textContent)"
    in_bytes = lambda text: float(text.split()[0]) * {"MiB": 1, "GiB": 1024}[text.split()[1]]  # noqa: E731
    with browser() as page_:
        page_.open(small())
        page_.click("#alternatives-table th:nth-child(4) button")
        rising = [in_bytes(text) for text in page_.evaluate(cell)]
        assert len(rising) > 2
        equal(rising, sorted(rising))
        equal(page_.evaluate("document.querySelector('th:nth-child(4)').getAttribute('aria-sort')"), "ascending")
        page_.click("#alternatives-table th:nth-child(4) button")
        equal([in_bytes(text) for text in page_.evaluate(cell)], sorted(rising, reverse=True))
        equal(page_.complaints(), [])


def case_ties_are_marked():
    cells = "[...document.querySelectorAll('#alternatives-table tbody tr')].map((row) => row.children[2].textContent)"
    with browser() as page_:
        page_.open(small())
        tied = json.loads(page_.evaluate("document.getElementById('data').textContent"))["tied_frac"]
        rows = [cell for cell in page_.evaluate(cells) if cell]
        apart = [float(cell.split()[0].replace("\u2212", "-")) / 100 for cell in rows]
        equal([cell.endswith("≈") for cell in rows], [abs(share) < tied for share in apart])
        equal(page_.evaluate("document.getElementById('tied').textContent").startswith("≈"), any("≈" in cell for cell in rows))


def timeline_range(page_):
    return page_.evaluate("(({dataset}) => [+dataset.from, +dataset.to])(document.getElementById('timeline-canvas'))")


def case_zoom():
    with browser() as page_:
        page_.open(small())
        whole = timeline_range(page_)
        x, y = page_.place("#timeline-canvas")
        page_.mouse("mouseWheel", x, y, deltaX=0, deltaY=-200)
        near_ = timeline_range(page_)
        assert whole[0] < near_[0] < near_[1] < whole[1], (whole, near_)
        page_.click("#zoom-in")
        closer = timeline_range(page_)
        near(closer[1] - closer[0], (near_[1] - near_[0]) / 2, 1e-6)
        x, y = page_.place("#timeline-canvas")
        page_.mouse("mousePressed", x, y, button="left", clickCount=1)
        page_.mouse("mouseMoved", x - 60, y, button="left", buttons=1)
        page_.mouse("mouseReleased", x - 60, y, button="left", clickCount=1)
        moved = timeline_range(page_)
        assert moved[0] > closer[0], (closer, moved)
        page_.send("Input.dispatchKeyEvent", type="keyDown", key="0", text="0")
        page_.click("#zoom-all")
        equal(timeline_range(page_), whole)
        equal(page_.complaints(), [])


def case_accuracy():
    """The other page: what compare --html writes; its selectors, light and dark, wide and narrow."""
    folder = pathlib.Path(FOLDER.name)
    plan = json.loads(small().with_suffix(".json").read_text())["best"]["step_time_s"]
    record = {"id": "a</script>", "source": "here", "model": {"name": "x", "layers": 24, "hidden": 2048, "heads": 16, "ffn": 8192, "vocab": 51200, "seq": 2048},
              "hardware": {"gpu": "a100-sxm4-80gb", "gpus": 16}, "training": {"global_batch": 64, "micro_batch": 2},
              "parallel": {"dp": 2, "tp": 2, "pp": 4}, "measured": {"step_time_s": 1.5, "memory_gib_per_gpu": 20}}
    records = [record, {**record, "id": "b", "source": "there", "measured": {"step_time_s": plan}}]
    (folder / "runs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    (folder / "unseen.csv").write_text("source,timed,seen_mape,unseen_mape,unseen_median\nhere,1,3.0,12.5,1.0\n")
    path = folder / "accuracy.html"
    run("compare", folder / "runs.jsonl", "--html", path, "--unseen", folder / "unseen.csv")
    elements = Elements()
    elements.feed(path.read_text())
    equal(elements.open, [])
    for options in ({"width": 1280}, {"width": 420, "dark": True}):
        with browser(**options) as page_:
            page_.open(path)
            rows = "document.querySelectorAll('#worst-table tbody tr').length"
            equal(page_.evaluate(rows), 2)
            for effect in range(page_.evaluate("document.getElementById('effect').options.length")):
                page_.evaluate(f"(() => {{ const e = document.getElementById('effect'); e.value = {effect}; e.dispatchEvent(new Event('change')); }})()")
                assert page_.evaluate("document.querySelectorAll('#effect-rows .effect').length") >= 1
            page_.evaluate("(() => { const e = document.getElementById('quantity'); e.value = 'memory'; e.dispatchEvent(new Event('change')); })()")
            equal(page_.evaluate(rows), 1)
            assert "12.5 %" in page_.evaluate("document.getElementById('sources-table').textContent")
            assert page_.evaluate("document.documentElement.scrollWidth <= innerWidth")
            equal(page_.complaints(), [])


def case_pick_a_pass():
    with browser() as page_:
        page_.open(small())
        x, y, width, height = page_.evaluate("""(() => { const c = document.getElementById("timeline-canvas"); c.scrollIntoView({block: "center"});
            const r = c.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()""")
        for at in (0.3, 0.4, 0.5):
            page_.mouse("mousePressed", x + width * at, y + 12, button="left", clickCount=1)
            page_.mouse("mouseReleased", x + width * at, y + 12, button="left", clickCount=1)
        text = page_.evaluate("document.getElementById('timeline-pick').textContent")
        assert text.startswith("stage 0: ") and "micro-batch" in text, text


def case_pick_a_stage_and_a_rank():
    with browser() as page_:
        page_.open(small())
        page_.click('.stage[data-stage="2"]')
        assert page_.evaluate("document.getElementById('treemap-title').textContent").startswith("Stage 2: ")
        page_.evaluate("(() => { const i = document.getElementById('layout-rank'); i.value = 5; i.dispatchEvent(new Event('change')); })()")
        text = page_.evaluate("document.getElementById('layout-pick').textContent")
        strategy = json.loads(small().with_suffix(".json").read_text())["best"]["strategy"]
        assert text.startswith("rank 5, node 0, GPU 5, tp 1"), (text, strategy)
        equal(page_.evaluate("document.querySelectorAll('details').length"), 5)
        page_.click("details summary")
        assert page_.evaluate("document.querySelector('details').open")


main(globals())
