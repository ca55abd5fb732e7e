"""Is what deploys the line right? `check.py BINARY`, with the Python that tests/deploy/prepare prints.

Each file is held against the tool of its kind: Kubernetes' own schemas, those of the Prometheus Operator, the Compose
specification, hadolint, systemd-analyze, actionlint. Then what no schema knows: that names meet, that nothing runs with more rights than it
needs, and that the program takes what it is started with. The last line is as cargo's.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
import suite  # noqa: E402 (nothing is to be left behind)

BINARY = str(Path(sys.argv[1]).resolve())
TOOLS = Path(sys.executable).parent
# Kubernetes from the oldest that the manifests work with to the newest that is known here.
KUBERNETES = ["1.30", kubernetes_validate.latest_version()]
NOBODY = 65532
MANIFESTS = ROOT / "deploy/kubernetes"
# What a line on Kubernetes may have besides.
INGRESS = MANIFESTS / "ingress"
OPERATOR = MANIFESTS / "prometheus-operator"


def is_missing(tool):
    """Whether a test can't be run here, and why. On the runner each tool is there but kubectl."""
    if shutil.which(tool):
        return None
    why = f"there is no {tool} here"
    assert tool == "kubectl" or os.environ.get("CI") != "true" or sys.platform != "linux", why
    return why


def run(*command, **options):
    """Runs it to its end, and fails with all that it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"
    return done.stdout


def takes(args):
    """The program takes these arguments: with `--help` behind them it does nothing else, but says if it does not."""
    run(BINARY, *args, "--help")


def reads(settings):
    """The program reads these settings: it says that no counter answers, or that one does, and not what is wrong."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "brewline.toml")
        path.write_text(settings)
        done = subprocess.run(
            [BINARY, "healthcheck", "--config", str(path)], capture_output=True, text=True, timeout=60
        )
        said = done.stdout + done.stderr
        assert "counter answers" in said or "answers: process" in said, said


def manifests(folder=MANIFESTS):
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    listed = {folder / name for name in names} | {folder / "kustomization.yaml"}
    assert listed == set(folder.glob("*.yaml")), "kustomization.yaml does not list every file beside it"
    return [one for name in names for one in yaml.safe_load_all((folder / name).read_text())]


def of_kind(kind, folder=MANIFESTS):
    return {one["metadata"]["name"]: one for one in manifests(folder) if one["kind"] == kind}


def pods():
    return {name: one["spec"]["template"] for name, one in of_kind("Deployment").items()}


def containers():
    for name, pod in pods().items():
        for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
            yield name, pod["spec"], container


def selected(labels):
    """The one Deployment whose pods these labels choose."""
    chosen = [
        name for name, pod in pods().items() if labels.items() <= pod["metadata"]["labels"].items()
    ]
    assert len(chosen) == 1, f"{labels} choose {chosen}"
    return chosen[0]


def manifests_are_what_kubernetes_knows():
    for version in KUBERNETES:
        for one in [*manifests(), *manifests(INGRESS)]:
            kubernetes_validate.validate(one, version, strict=True)


def strict(schema):
    """With nothing besides what it names: an API server would drop that, and a mistake with it."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(one) for name, one in schema.items()}
    return {"additionalProperties": False} | closed if isinstance(schema.get("properties"), dict) else closed


def what_the_prometheus_operator_is_given_is_what_it_knows():
    known = json.loads((ROOT / "tests/deploy/prometheus-operator.json").read_text())
    for one in manifests(OPERATOR):
        # Not `validate`, which would first have all patterns be Python's, and they are Go's.
        jsonschema.Draft202012Validator(strict(known[one["kind"]])).validate(one)


def the_prometheus_operator_has_the_rules_of_prometheus():
    made = run(ROOT / "scripts/kubernetes-rules")
    assert (OPERATOR / "rules.yaml").read_text() == made, "scripts/kubernetes-rules >deploy/kubernetes/prometheus-operator/rules.yaml"
    [rules] = of_kind("PrometheusRule", OPERATOR).values()
    files = [yaml.safe_load((ROOT / f"deploy/prometheus/brewline.{name}.yml").read_text()) for name in ("rules", "alerts")]
    assert rules["spec"] == {"groups": [group for file in files for group in file["groups"]]}


def the_prometheus_operator_asks_each_pod_by_the_names_that_the_rules_know():
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    monitors = of_kind("PodMonitor", OPERATOR).values()
    asked = {}
    for monitor in monitors:
        name = selected(monitor["spec"]["selector"]["matchLabels"])
        [container] = pods()[name]["spec"]["containers"]
        [endpoint] = monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["port"] in {port["name"] for port in container["ports"]}, name
        asked[pods()[name]["metadata"]["labels"][monitor["spec"]["jobLabel"]]] = name
    assert len(monitors) == 2 and asked.keys() == {job["job_name"] for job in jobs}, asked


def kubernetes_renders_the_manifests_with_one_image():
    if why := is_missing("kubectl"):
        return why
    with tempfile.TemporaryDirectory() as room:
        with_all = Path(room, "kubernetes")
        shutil.copytree(MANIFESTS, with_all)
        listed = with_all / "kustomization.yaml"
        # As whoever takes them does.
        taken = listed.read_text().replace("# components: ", "components: ")
        listed.write_text(taken)
        assert yaml.safe_load(taken)["components"] == [INGRESS.name, OPERATOR.name], taken
        every = [*manifests(), *manifests(INGRESS), *manifests(OPERATOR)]
        for folder, expected in [(MANIFESTS, manifests()), (with_all, every)]:
            rendered = list(yaml.safe_load_all(run("kubectl", "kustomize", folder)))
            images = re.findall(r"'image': '([^']+)'", str(rendered))
            assert len(rendered) == len(expected) and len(images) == 4 and len(set(images)) == 1, images
        # By what its Prometheus chooses it, and nothing else has that.
        chosen = [one for one in rendered if "release" in one["metadata"]["labels"]]
        assert len(chosen) == len(manifests(OPERATOR)) and all("monitoring" in one["apiVersion"] for one in chosen), chosen


def selectors_services_and_budgets_choose_the_pods_they_are_for():
    budgets = {selected(one["spec"]["selector"]["matchLabels"]) for one in of_kind("PodDisruptionBudget").values()}
    assert budgets == set(of_kind("Deployment")) == {"brewline-counter", "brewline-barista"}, budgets
    for name, one in of_kind("Deployment").items():
        assert selected(one["spec"]["selector"]["matchLabels"]) == name
        for spread in one["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert selected(spread["labelSelector"]["matchLabels"]) == name
        # A budget of one that may be away leaves somebody only where there are two.
        assert one["spec"]["replicas"] >= 2, name
    for service in of_kind("Service").values():
        pod = pods()[selected(service["spec"]["selector"])]
        ports = {port["name"] for one in pod["spec"]["containers"] for port in one.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, ports


def the_ingress_leads_to_the_counters_and_policies_let_in_what_is_asked():
    ports = {name: {port["name"] for port in container["ports"]} for name, _, container in containers() if "ports" in container}
    [ingress] = of_kind("Ingress", INGRESS).values()
    [rule] = ingress["spec"]["rules"]
    [path] = rule["http"]["paths"]
    service = path["backend"]["service"]
    assert service["port"]["name"] in {one["name"] for one in of_kind("Service")[service["name"]]["spec"]["ports"]}
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]], ingress
    policies = of_kind("NetworkPolicy", INGRESS)
    assert policies.keys() == pods().keys(), policies.keys()
    for name, policy in policies.items():
        assert selected(policy["spec"]["podSelector"]["matchLabels"]) == name
        # One that lets in everyone has no `from`.
        [way] = policy["spec"]["ingress"]
        assert way["from"] and {one["port"] for one in way["ports"]} == ports[name], name


def behind_an_ingress_the_bounds_of_an_address_are_those_of_the_shop():
    [config] = of_kind("ConfigMap").values()
    said = tomllib.loads(config["data"]["brewline.toml"])
    defaults = dict(re.findall(r"^#(\w+) = (\d+)$", (ROOT / "docs/brewline.toml").read_text(), re.MULTILINE))
    assert said["max_streams_per_address"] == int(defaults["max_streams"]), said
    assert said["orders_per_minute"] > int(defaults["orders_per_minute"]), said


def counters_take_the_network_of_an_ingress_as_the_settings_suggest_it():
    [config] = of_kind("ConfigMap").values()
    suggested = re.sub(r"^# (?=\w+ = )", "", config["data"]["brewline.toml"], flags=re.MULTILINE)
    assert tomllib.loads(suggested)["trusted_proxies"], suggested
    reads(suggested)


def pods_name_what_is_there():
    for name, pod, container in containers():
        volumes = {one["name"]: one["configMap"]["name"] for one in pod["volumes"]}
        assert set(volumes.values()) <= set(of_kind("ConfigMap")), name
        assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes), name
        assert container["workingDir"] in {mount["mountPath"] for mount in container["volumeMounts"]}, name
        assert {one["secretRef"]["name"] for one in container["envFrom"]} <= set(of_kind("Secret")), name


def pods_have_no_rights_and_bounds_on_what_they_take():
    for name, pod, container in containers():
        security = pod["securityContext"]
        assert security["runAsNonRoot"] and security["runAsUser"] == NOBODY, name
        assert security["seccompProfile"]["type"] == "RuntimeDefault" and not pod["automountServiceAccountToken"], name
        alone = container["securityContext"]
        assert alone["readOnlyRootFilesystem"] and not alone["allowPrivilegeEscalation"], name
        assert alone["capabilities"]["drop"] == ["ALL"], name
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
        assert "memory" in container["resources"]["limits"], name


def pods_are_asked_what_they_answer():
    for name, answers in [("brewline-counter", "http/mod.rs"), ("brewline-barista", "probes.rs")]:
        [container] = pods()[name]["spec"]["containers"]
        [port] = container["ports"]
        probes = {probe: container[probe]["httpGet"] for probe in container if probe.endswith("Probe")}
        asked = {probe: get["path"] for probe, get in probes.items()}
        assert asked == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}, asked
        assert {get["port"] for get in probes.values()} == {port["name"]}, name
        said = pods()[name]["metadata"]["annotations"]
        assert said == {"prometheus.io/scrape": "true", "prometheus.io/port": str(port["containerPort"])}, said
        routes = (ROOT / "crates/counter/src" / answers).read_text()
        assert all(f'"{path}"' in routes for path in [*asked.values(), "/metrics"]), asked
    [barista] = pods()["brewline-barista"]["spec"]["containers"]
    assert barista["args"][-2:] == ["--metrics-listen", f"0.0.0.0:{barista['ports'][0]['containerPort']}"]


def the_program_takes_what_pods_start_it_with():
    for _, _, container in containers():
        takes(container["args"])
    for one in of_kind("ConfigMap").values():
        reads(one["data"]["brewline.toml"])
        port = tomllib.loads(one["data"]["brewline.toml"])["listen"].rsplit(":", 1)[1]
        [counter] = pods()["brewline-counter"]["spec"]["containers"]
        assert [str(one["containerPort"]) for one in counter["ports"]] == [port]


def compose():
    return yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]


def the_compose_file_is_what_compose_knows():
    run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "deploy/compose.yaml")
    services = compose()
    for name, service in services.items():
        assert service.get("depends_on", {}).keys() <= services.keys(), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
    # The image's check asks a counter, which these are not.
    assert services["topics"]["healthcheck"] == {"disable": True}
    asked = services["barista"]["healthcheck"]["test"]
    assert asked[:2] == ["CMD", "/usr/local/bin/brewline"], asked
    takes(asked[2:])
    assert asked[-1].split(":")[1] == services["barista"]["command"][-1].split(":")[1], asked


def what_compose_starts_is_reached_from_this_machine_alone_and_is_pinned():
    for name, service in compose().items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert "build" in service or re.search(r":v?\d+(\.\d+){2}$", service["image"]), name


def memory_of_what_compose_starts_is_bounded_and_that_of_the_line_as_on_kubernetes():
    assert all(re.fullmatch(r"[1-9]\d*[mg]", service["mem_limit"]) for service in compose().values())
    ours = {service["mem_limit"] for service in compose().values() if "build" in service}
    theirs = {container["resources"]["limits"]["memory"] for _, _, container in containers()}
    assert {f"{limit.upper()}i" for limit in ours} == theirs, f"{ours} here and {theirs} there"


def the_program_takes_what_compose_starts_it_with():
    ours = [service for service in compose().values() if "build" in service]
    assert len(ours) == 3
    for service in ours:
        takes(service["command"])
        assert service["read_only"] and service["cap_drop"] == ["ALL"], service
        assert (ROOT / "deploy" / service["build"]["context"] / "Dockerfile").is_file()


def the_dockerfile_is_as_it_should_be():
    run(TOOLS / "hadolint", ROOT / "Dockerfile")
    text = (ROOT / "Dockerfile").read_text()
    for instruction in ("CMD", "HEALTHCHECK"):
        [words] = re.findall(rf"^{instruction} (?:.*CMD )?(\[.*\])$", text, re.MULTILINE)
        takes([word for word in json.loads(words) if not word.startswith("/")])


def units_are_what_systemd_knows_and_leave_the_program_little():
    if why := is_missing("systemd-analyze"):
        return why
    with tempfile.TemporaryDirectory() as room:
        units = []
        for path in sorted((ROOT / "deploy/systemd").iterdir()):
            text = path.read_text()
            commands = re.findall(r"^(?:ExecStart=|  )/usr/local/bin/brewline ([^;\n]*)", text, re.MULTILINE)
            assert commands or path.suffix == ".timer", path.name
            for command in commands:
                takes(command.split())
            units.append(Path(room, path.name))
            units[-1].write_text(text.replace("/usr/local/bin/brewline", BINARY))
        done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60)
        # What is said of other units of this system is theirs.
        ours = [line for line in done.stderr.splitlines() if "brewline" in line]
        assert not ours, ours
        for unit in units:
            # Of 100; a unit without any of it has 96.
            if unit.suffix == ".service":
                run("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)


def workflows_are_what_the_runner_knows():
    if why := is_missing("go"):
        return why
    files = sorted((ROOT / ".github/workflows").glob("*.yml"))
    run("go", "tool", "actionlint", "-color=false", *files, cwd=ROOT / "tests/deploy")


def workflows_use_what_they_name_by_its_hash_and_may_do_little():
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        text = path.read_text()
        for used in re.findall(r"uses: (.*)$", text, re.MULTILINE):
            ours = used.startswith("./") and (ROOT / used).is_file()
            assert ours or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", used), f"{path.name}: {used}"
        workflow = yaml.safe_load(text)
        assert set(workflow["permissions"].items()) <= {("contents", "read")}, path.name
        for name, job in workflow["jobs"].items():
            # The jobs of a workflow that is called have their own.
            assert "timeout-minutes" in job or "uses" in job, f"{path.name}: {name}"


def whatever_pins_a_version_is_looked_after():
    file = ROOT / ".github/dependabot.yml"
    run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.dependabot", file)
    kinds = {
        "Cargo.lock": "cargo",
        "package-lock.json": "npm",
        "requirements.txt": "pip",
        "go.mod": "gomod",
        "pom.xml": "maven",
        "Dockerfile": "docker",
        "compose.yaml": "docker-compose",
    }
    there = {("github-actions", "/")}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ("target", "node_modules", ".git")]
        place = "/" + Path(folder).relative_to(ROOT).as_posix().removeprefix(".")
        there |= {(kinds[name], place) for name in names if name in kinds}
    told = set()
    for one in yaml.safe_load(file.read_text())["updates"]:
        places = one["directories"] if "directories" in one else [one["directory"]]
        told |= {(one["package-ecosystem"], place) for place in places}
    assert told == there, told ^ there


def waited_for(jobs, name):
    """All that has to go well before this job begins."""
    needs = jobs[name].get("needs", [])
    needs = {needs} if isinstance(needs, str) else set(needs)
    return needs | {further for need in needs for further in waited_for(jobs, need)}


def nothing_is_published_before_it_was_tested_and_latest_moves_last():
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert jobs["ci"] == {"uses": "./.github/workflows/ci.yml"}, jobs["ci"]
    writing = [name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()]
    assert writing == ["image", "publish", "latest"], writing
    for name in writing:
        assert "ci" in waited_for(jobs, name), name
    for name, job in jobs.items():
        # `if: always()` would go on after a failure.
        assert "if" not in job or name == "latest", name
        assert (":latest" in str(job)) == (name == "latest"), name
    assert jobs["latest"]["if"] == "needs.texts.outputs.latest == 'true'"
    assert waited_for(jobs, "latest") == jobs.keys() - {"latest"}


def what_a_tag_is_released_as():
    def kind(tag, version, title, tags=""):
        with tempfile.TemporaryDirectory() as room:
            script = Path(room, "scripts/release-kind")
            script.parent.mkdir()
            shutil.copy(ROOT / "scripts/release-kind", script)
            Path(room, "Cargo.toml").write_text(f'[workspace.package]\nversion = "{version}"\n')
            Path(room, "CHANGELOG.md").write_text(f"# Changelog\n\n{title}\n\n- It.\n\n## [0.0.1] - 2020-02-02\n")
            done = subprocess.run([script, tag], input=tags, capture_output=True, text=True, timeout=60)
            return done.stdout if done.returncode == 0 else done.stderr

    tags = "v0.9.0\nv1.9.0\nv1.10.0\nv2.0.0-rc.1\nvery-old\n"
    released = "prerelease=false\nlatest=true\n"
    assert kind("v1.0.0", "1.0.0", "## [1.0.0] - 2026-01-31") == released
    assert kind("v1.10.0", "1.10.0", "## [1.10.0] - 2026-01-31", tags) == released
    assert kind("v1.9.1", "1.9.1", "## [1.9.1] - 2026-01-31", tags) == "prerelease=false\nlatest=false\n"
    candidate = kind("v2.0.0-rc.1", "2.0.0-rc.1", "## [2.0.0-rc.1] - 2026-01-31", tags)
    assert candidate == "prerelease=true\nlatest=false\n", candidate
    refused = [
        ("v1.0.1", "1.0.0", "## [1.0.0] - 2026-01-31", "the tag is v1.0.1"),
        ("v1.0.0+a", "1.0.0+a", "## [1.0.0+a] - 2026-01-31", "is neither like"),
        ("v1.0.0", "1.0.0", "## [Unreleased]", "does not say what is new"),
        ("v1.0.0", "1.0.0", "## [1.0.0] - unreleased", "has its day"),
        ("v1.0.0", "1.0.0", "## [1.0.0-rc.1] - 2026-01-31", "does not say what is new"),
    ]
    for tag, version, title, why in refused:
        said = kind(tag, version, title)
        assert why in said, f"{tag}: {said}"


def scripts_that_workflows_run_are_there():
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        for script in re.findall(r"(?:^|[ /\"])((?:scripts|tests|\.ci)/[\w./-]+)", path.read_text(), re.MULTILINE):
            assert os.access(ROOT / script, os.X_OK), f"{path.name}: {script}"


suite.run(
    [
        manifests_are_what_kubernetes_knows,
        what_the_prometheus_operator_is_given_is_what_it_knows,
        the_prometheus_operator_has_the_rules_of_prometheus,
        the_prometheus_operator_asks_each_pod_by_the_names_that_the_rules_know,
        kubernetes_renders_the_manifests_with_one_image,
        selectors_services_and_budgets_choose_the_pods_they_are_for,
        the_ingress_leads_to_the_counters_and_policies_let_in_what_is_asked,
        behind_an_ingress_the_bounds_of_an_address_are_those_of_the_shop,
        counters_take_the_network_of_an_ingress_as_the_settings_suggest_it,
        pods_name_what_is_there,
        pods_have_no_rights_and_bounds_on_what_they_take,
        pods_are_asked_what_they_answer,
        the_program_takes_what_pods_start_it_with,
        the_compose_file_is_what_compose_knows,
        what_compose_starts_is_reached_from_this_machine_alone_and_is_pinned,
        memory_of_what_compose_starts_is_bounded_and_that_of_the_line_as_on_kubernetes,
        the_program_takes_what_compose_starts_it_with,
        the_dockerfile_is_as_it_should_be,
        units_are_what_systemd_knows_and_leave_the_program_little,
        workflows_are_what_the_runner_knows,
        workflows_use_what_they_name_by_its_hash_and_may_do_little,
        whatever_pins_a_version_is_looked_after,
        nothing_is_published_before_it_was_tested_and_latest_moves_last,
        what_a_tag_is_released_as,
        scripts_that_workflows_run_are_there,
    ]
)
