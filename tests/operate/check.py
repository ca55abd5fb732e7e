"""Does what watches the line fit together? `check.py BINARY PROMETHEUS`: the program, and the directory that
tests/operate/prepare prints, with the Python that tests/deploy/prepare does.

The rules are right and their alerts fire when they should, as promtool has it; each alert leads to its place in
docs/operate.md; each metric that rules and dashboard name is one that docs/metrics.md explains, and what they look for in it is
what a line shows. The last line is as cargo's.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
import suite  # noqa: E402 (nothing is to be left behind)
from alerts import CASES, HEALTHY, HEARTBEAT, STEPS, TIME  # noqa: E402
from process import Process, ask, read, until  # noqa: E402

BINARY = str(Path(sys.argv[1]).resolve())
PROMTOOL = str(Path(sys.argv[2], "promtool"))
RULES = [ROOT / "deploy/prometheus/brewline.rules.yml", ROOT / "deploy/prometheus/brewline.alerts.yml"]
OPERATE = (ROOT / "docs/operate.md").read_text()
ALERTMANAGER = ROOT / "deploy/alertmanager/alertmanager.yml"
DASHBOARD = ROOT / "deploy/grafana/dashboards/brewline.json"


def promtool(*args):
    """Runs it to its end, and fails with all that it said."""
    done = subprocess.run([PROMTOOL, *map(str, args)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"promtool {' '.join(map(str, args))}: {done.stdout}{done.stderr}"


def rules():
    return [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def alerts():
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def asked_of_promtool(case):
    """The case, as promtool has it."""
    series = HEALTHY | case.changed
    time = f"0+{60 * case.step}x{STEPS}"
    at = ([(case.quiet, [])] if case.quiet is not None else []) + [(case.fires, case.alerts)]
    firing = 'sum by (alertname) (ALERTS{alertstate="firing"})'
    return {
        "name": case.what,
        "interval": f"{case.step}m",
        "input_series": [
            {"series": name, "values": time if values == TIME else values} for name, values in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": firing,
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in [*names, HEARTBEAT]],
            }
            for minute, names in at
        ],
    }


def fire_as_they_should(cases):
    with tempfile.TemporaryDirectory() as room:
        files = []
        for step in {case.step for case in cases}:
            tests = [asked_of_promtool(case) for case in cases if case.step == step]
            rules = [str(file) for file in RULES]
            files.append(Path(room, f"{step}.yml"))
            # JSON is YAML, and quickly written.
            files[-1].write_text(
                json.dumps({"rule_files": rules, "evaluation_interval": f"{step}m", "tests": tests})
            )
        promtool("test", "rules", *files)


def no_case_fails():
    """All of them at once, because that is quick."""
    try:
        fire_as_they_should(CASES)
    except AssertionError:
        return False
    return True


def rules_are_what_prometheus_knows():
    promtool("check", "rules", *RULES)
    promtool("check", "config", ROOT / "deploy/prometheus/prometheus.yml")
    named = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["rule_files"]
    assert named == [file.name for file in RULES], named


def whoever_is_told_is_told_what_is_theirs():
    amtool = shutil.which("amtool", path=sys.argv[2]) or shutil.which("amtool")
    if amtool is None:
        assert os.environ.get("CI") != "true" or sys.platform != "linux", "there is no amtool"
        return "there is no amtool here"

    def asks(*args):
        done = subprocess.run([amtool, *map(str, args)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"amtool {' '.join(map(str, args))}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    told = {"page": "call", "ticket": "mail", "heartbeat": "heartbeat"}
    with tempfile.TemporaryDirectory() as room:
        # As it stands, and as whoever fills it in has it.
        for how, text in [("as_it_is", ALERTMANAGER.read_text()), ("filled_in", filled_in())]:
            file = Path(room, f"{how}.yml")
            file.write_text(text)
            asks("check-config", file)
            for name, rule in alerts().items():
                severity = rule["labels"]["severity"]
                about = [f"alertname={name}", f"severity={severity}"]
                route = asks("config", "routes", "test", f"--config.file={file}", *about)
                assert route == told[severity], f"{how}, {name}: {route}"


def filled_in():
    """With each line that stands there to be filled in."""
    return re.sub(r"^( *)#(?=\w)", r"\1", ALERTMANAGER.read_text(), flags=re.MULTILINE)


def nobody_is_told_before_somebody_says_who_and_then_each_is():
    for text, is_told in [(ALERTMANAGER.read_text(), False), (filled_in(), True)]:
        configured = yaml.safe_load(text)
        assert bool(configured["global"]) == is_told, configured
        for receiver in configured["receivers"]:
            assert any(key.endswith("_configs") for key in receiver) == is_told, receiver


def configurations_in_the_page_are_right():
    blocks = re.findall(r"^```yaml\n(.*?)^```$", OPERATE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2, len(blocks)
    for block in blocks:
        with tempfile.TemporaryDirectory() as room:
            for file in RULES:
                shutil.copy(file, room)
            # Debian's knows nothing of Kubernetes: the rest of the job can still be compared.
            known = block.replace("kubernetes_sd_configs: [{ role: pod }]", "static_configs: [{ targets: [a] }]")
            Path(room, "prometheus.yml").write_text(known)
            promtool("check", "config", Path(room, "prometheus.yml"))
        for job in yaml.safe_load(block)["scrape_configs"]:
            assert job["job_name"].startswith("brewline"), job


def every_alert_fires_in_a_case_and_waits_before_that_if_it_says_so():
    fired = {name: case for case in CASES for name in case.alerts}
    assert fired.keys() | {HEARTBEAT} == alerts().keys(), fired.keys() ^ alerts().keys()
    for name, rule in alerts().items():
        assert "for" not in rule or name != HEARTBEAT and fired[name].quiet is not None, name


def every_alert_is_explained_and_leads_there():
    # From `## Alerts` to the next of its kind; each alert has a heading of its own, and nothing else has one.
    part = re.search(r"^## Alerts$(.*?)^## ", OPERATE, re.MULTILINE | re.DOTALL).group(1)
    sections = dict(re.findall(r"^### (.+?)$\n(.*?)(?=^### |\Z)", part, re.MULTILINE | re.DOTALL))
    assert sections.keys() == alerts().keys(), sections.keys() ^ alerts().keys()
    for name, rule in alerts().items():
        said = rule["annotations"]
        assert said["summary"] and said["description"], name
        assert said["runbook_url"].endswith(f"/operate.md#{name.lower()}"), name
        for word in ("**Means:**", "**First:**", "**Then:**"):
            assert word in sections[name], f"{name}: {word} is missing"
        # Each command leads to how it is typed in a container; `brewline up` is what runs.
        bare = set(re.findall(r"(?<!\[)`brewline (\w+)", sections[name])) - {"up"}
        assert not bare, f"{name}: {bare} without a link"
        kind = {"page": "now", "ticket": "today", "heartbeat": "always"}[rule["labels"]["severity"]]
        assert (kind == "always") == (name == HEARTBEAT), name
        assert sections[name].lstrip().startswith(f"*{kind}*"), f"{name} is not said to be for {kind}"


def what_is_typed_in_a_container_names_what_is_there():
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    deployed = [one for file in (ROOT / "deploy/kubernetes").glob("*.yaml") for one in yaml.safe_load_all(file.read_text())]
    names = {kind: {one["metadata"]["name"] for one in deployed if one["kind"] == kind} for kind in ("Deployment", "Service")}
    executed = set(re.findall(r"compose\.yaml exec (\w+) brewline", OPERATE))
    again = set(re.search(r"`docker compose [^`]* restart ([\w ]+)`", OPERATE).group(1).split())
    assert executed and executed <= again <= services.keys(), (executed, again)
    assert set(re.findall(r"\bdeploy/(brewline-\w+)", OPERATE)) == names["Deployment"], names
    assert set(re.search(r"`kubectl rollout restart deployment ([\w -]+)`", OPERATE).group(1).split()) == names["Deployment"]
    assert set(re.findall(r"\bservice/(brewline-\w+)", OPERATE)) <= names["Service"], names


def dashboard():
    return json.loads(DASHBOARD.read_text())


def panels():
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions():
    """Everything that is asked, by who asks."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            # As Grafana does before it asks.
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$line", ".*")


def metrics_that_are_asked_for_are_explained():
    docs = (ROOT / "docs/metrics.md").read_text()
    known = {"up"} | {rule["record"] for rule in rules() if "record" in rule}
    for name, kind in re.findall(r"^\| `(\w+)` \| (\w+) \|", docs, re.MULTILINE):
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        known |= {name + end for end in ends}
    for who, expr in expressions():
        if who == HEARTBEAT:
            continue
        # Without what stands in quotes: the values of labels.
        words = re.findall(r"[a-z_][\w:]*", re.sub(r'"[^"]*"', "", expr))
        asked = {word for word in words if re.match(r"(line:)?(brewline_|process_)|up$", word)}
        assert asked and asked <= known, f"{who}: {asked - known}"


def the_dashboard_asks_what_prometheus_understands():
    asked = [{"record": f"panel:{n}", "expr": expr} for n, (_, expr) in enumerate(expressions())]
    with tempfile.TemporaryDirectory() as room:
        file = Path(room, "panels.yml")
        file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": asked}]}))
        promtool("check", "rules", file)


def the_dashboard_is_what_grafana_provisions():
    board = dashboard()
    assert board["uid"] == "brewline" and board["id"] is None and board["schemaVersion"] >= 39, board["uid"]
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text())
    [source] = source["datasources"]
    taken, ids = set(), set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, f"{panel['title']} stands where another does"
        assert panel["id"] not in ids, panel["title"]
        taken |= cells
        ids.add(panel["id"])
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": source["uid"]}, panel["title"]
        assert panel["description"] and "unit" in panel["fieldConfig"]["defaults"], panel["title"]


def compose_gives_what_watches_what_it_needs():
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    watching = [name for name, service in services.items() if service.get("profiles") == ["watch"]]
    assert watching == ["prometheus", "alertmanager", "grafana"], watching
    for name in watching:
        for volume in services[name]["volumes"]:
            place = volume.split(":")[0]
            assert not place.startswith(".") or (ROOT / "deploy" / place).is_dir(), volume
    configured = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    [told] = configured["alerting"]["alertmanagers"]
    # It listens there unless it is told otherwise.
    assert told["static_configs"] == [{"targets": ["alertmanager:9093"]}] and "listen-address=:" not in str(services), told
    [started] = [word for word in services["alertmanager"]["command"] if word.startswith("--config.file=")]
    mounted = dict(volume.split(":")[:2] for volume in services["alertmanager"]["volumes"])
    assert started == f"--config.file={mounted['./alertmanager']}/{ALERTMANAGER.name}", started
    jobs = configured["scrape_configs"]
    [counter] = jobs[0]["static_configs"][0]["targets"]
    assert counter.split(":")[0] in services, counter
    [found] = jobs[1]["dns_sd_configs"]
    assert found["names"][0] in services and str(found["port"]) in str(services["barista"]["command"]), found


def shown():
    """The series of a line that has just begun: name and labels of each, but what tells lines and machines apart."""
    with tempfile.TemporaryDirectory() as room:
        try:
            up = Process(BINARY, "up", "--log", f"local:{room}/log", "--listen", "127.0.0.1:0", room=room)
            counter = up.hear(r"metrics +GET +(http://\S+)/metrics")
            until("the line takes orders", lambda: ask(f"{counter}/readyz")["ready"])
            text = read(f"{counter}/metrics")
        finally:
            Process.kill_all()
    lines = re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE)
    return {(name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))) for name, labels in lines}


def looked_for():
    """What rules, dashboard and the cases of alerts look for: who does, the metric, a label and a value that it has."""
    everywhere = [*expressions(), *(("alerts.py", name) for name in HEALTHY)]
    for who, expr in everywhere:
        for name, labels in re.findall(r"\b(brewline_\w+)\{([^}]*)\}", expr):
            for label, how, value in re.findall(r'(\w+)\s*(=~?)\s*"([^"]*)"', labels):
                for one in value.split("|") if how == "=~" else [value]:
                    yield who, name, label, one


def labels_that_are_looked_for_are_what_a_line_shows():
    """A bound that no histogram has, and a word that nothing is called, make an alert that never fires."""
    series = shown()
    has = {(name, *label) for name, labels in series for label in labels}
    names = {name for name, _ in series}
    # What Prometheus adds, and what the dashboard puts in for any.
    given = ("job", "instance", "line")
    asked = [one for one in looked_for() if one[1] in names and one[2] not in given]
    assert ("le", "1.0") in {one[2:] for one in asked}, asked
    unknown = sorted({one for one in asked if one[1:] not in has})
    assert not unknown, unknown


each = (lambda case: None) if no_case_fails() else (lambda case: fire_as_they_should([case]))
suite.run(
    [
        rules_are_what_prometheus_knows,
        whoever_is_told_is_told_what_is_theirs,
        nobody_is_told_before_somebody_says_who_and_then_each_is,
        configurations_in_the_page_are_right,
        every_alert_fires_in_a_case_and_waits_before_that_if_it_says_so,
        every_alert_is_explained_and_leads_there,
        what_is_typed_in_a_container_names_what_is_there,
        metrics_that_are_asked_for_are_explained,
        labels_that_are_looked_for_are_what_a_line_shows,
        the_dashboard_asks_what_prometheus_understands,
        the_dashboard_is_what_grafana_provisions,
        compose_gives_what_watches_what_it_needs,
        *((f"alerts where {case.what}", lambda case=case: each(case)) for case in CASES),
    ]
)
