"""The images that would be pulled, made under the same names: of this system's programs and libraries, and nothing else.

What is in them is no test of the real ones, but what is done with them is: each instruction of the Dockerfile runs, and the
broker is the real one, whose own code reads the environment.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from engine import run

ROOT = Path(__file__).resolve().parents[2]


class Image:
    """The root of an image while it is laid out."""

    def __init__(self, room):
        self.root = Path(room, "image")
        for name in ("etc", "proc", "sys", "dev", "run", "usr/bin"):
            (self.root / name).mkdir(parents=True)
        (self.root / "bin").symlink_to("usr/bin")
        self.directory("tmp", mode=0o1777)

    def directory(self, at, *, mode=0o755, owner=0):
        (self.root / at).mkdir(parents=True)
        (self.root / at).chmod(mode)
        os.chown(self.root / at, owner, owner)

    def file(self, at, text, *, mode=0o644):
        path = self.root / at
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def copy(self, path, at):
        to = self.root / at.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to)

    def libraries(self, *programs):
        said = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
        for library in set(re.findall(r"(/\S+) \(0x", said)):
            self.copy(library, library)

    def programs(self, *names):
        for name in names:
            self.copy(shutil.which(name), f"usr/bin/{name}")
        self.libraries(*(shutil.which(name) for name in names))

    def user(self, name, number):
        self.file("etc/passwd", f"root:x:0:0:root:/root:/bin/sh\n{name}:x:{number}:{number}::/:/bin/sh\n")
        self.file("etc/group", f"root:x:0:\n{name}:x:{number}:\n")

    def made(self, name, *changes):
        """Makes the image, and clears what it was made of."""
        words = [word for change in changes for word in ("--change", change)]
        with subprocess.Popen(["tar", "-C", self.root, "-c", "."], stdout=subprocess.PIPE) as tar:
            run("podman", "import", *words, "-", name, stdin=tar.stdout)
        assert tar.returncode == 0, f"tar: exit code {tar.returncode}"
        shutil.rmtree(self.root)


def rust(room, name, binary):
    """Instead of a compiler: what `cargo build` would make is there already."""
    image = Image(room)
    image.programs("sh", "bash", "env", "dirname", "install", "mkdir")
    # Without what only a debugger reads, as a release is: it is most of the program.
    if not shutil.which("strip") or subprocess.run(["strip", "-o", image.root / "brewline", binary], check=False).returncode:
        image.copy(binary, "brewline")
    image.file(
        "usr/bin/cargo",
        '#!/bin/sh\n[ "$*" = "build --release --locked -p brewline" ] && exec install -D /brewline target/release/brewline\n',
        mode=0o755,
    )
    image.made(f"docker.io/library/{name}")


def distroless(room, name, binary):
    image = Image(room)
    image.libraries(binary)
    image.user("nonroot", 65532)
    image.made(name, "USER 65532", "ENV PATH=/usr/local/bin:/usr/bin:/bin")


# A broker that lives for a minute is not worth its second compiler.
JAVA = (
    "/opt/java/bin/java -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*'"
    " -Dlog4j2.configurationFile=/etc/kafka/docker/log4j2.yaml"
)
KAFKA = f"""#!/bin/bash
set -eu
said=$({JAVA} kafka.docker.KafkaDockerWrapper setup --default-configs-dir /etc/kafka/docker \\
  --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config 2>&1) ||
  grep -qi 'already formatted' <<<"$said" || {{ echo "$said"; exit 1; }}
exec {JAVA} -Xmx1G kafka.Kafka /opt/kafka/config/server.properties
"""
LOGS = """Configuration:
  Appenders:
    Console: {name: STDOUT, PatternLayout: {pattern: "[%d] %p %m (%c)%n"}}
  Loggers:
    Root: {level: INFO, AppenderRef: [{ref: STDOUT}]}
    Logger: []
"""


def kafka(room, name, libs):
    """Apache Kafka as scripts/kafka fetches it, laid out as its own image is, on this system's Java."""
    image = Image(room)
    image.programs("sh", "bash", "grep")
    home = Path(shutil.which("java")).resolve().parents[1]
    for part in ("bin", "lib", "conf"):
        ignored = shutil.ignore_patterns("src.zip", "ct.sym", "*_nocoops.jsa")
        shutil.copytree(home / part, image.root / "opt/java" / part, ignore_dangling_symlinks=True, ignore=ignored)
    native = ("server/libjvm.so", "libjli.so", "libjava.so", "libnet.so", "libnio.so", "libzip.so", "libmanagement.so")
    image.libraries(home / "bin/java", *(home / "lib" / one for one in native))
    shutil.copytree(libs, image.root / "opt/kafka/libs")
    image.user("appuser", 1000)
    for at in ("var/lib/kafka/data", "etc/kafka/docker", "etc/kafka/secrets", "mnt/shared/config", "opt/kafka/config"):
        image.directory(at, owner=1000)
    image.file("etc/kafka/docker/run", KAFKA, mode=0o755)
    image.file("etc/kafka/docker/server.properties", "")
    for at in ("log4j2.yaml", "tools-log4j2.yaml"):
        image.file(f"etc/kafka/docker/{at}", LOGS)
    volumes = 'VOLUME ["/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config"]'
    image.made(f"docker.io/{name}", "USER appuser", volumes, 'CMD ["/etc/kafka/docker/run"]')


def alertmanager_of(directory):
    """Alertmanager in the directory of a Prometheus, by the name that it has there; `None`: there is none."""
    return next(filter(None, (shutil.which(name, path=directory) for name in ("alertmanager", "prometheus-alertmanager"))), None)


def watcher(room, name, program):
    """Prometheus or Alertmanager of tests/operate, laid out as its own image is."""
    called = re.search(r"/(\w+):", name)[1]
    image = Image(room)
    image.copy(program, f"bin/{called}")
    image.libraries(program)
    # Where Debian has what messages look like, which others have in the program.
    if (looks := Path(program).parents[1] / "share/prometheus/alertmanager").is_dir():
        shutil.copytree(looks, image.root / "usr/share/prometheus/alertmanager")
    image.user("nobody", 65534)
    image.directory(called, owner=65534)
    entry = f'ENTRYPOINT ["/bin/{called}"]'
    image.made(f"docker.io/{name}", "USER nobody", f"WORKDIR /{called}", f'VOLUME ["/{called}"]', entry)


def make(room, binary, libs, watching):
    """Makes what the Dockerfile and deploy/compose.yaml name, but Grafana, and readies the former for this engine. `libs` is
    what a broker is made of, `watching` the directory of a Prometheus and an Alertmanager.
    """
    dockerfile = (ROOT / "Dockerfile").read_text()
    build, base = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    named = re.findall(r"^    image: (\w+/\S+)", (ROOT / "deploy/compose.yaml").read_text(), re.MULTILINE)
    kinds = ("kafka", "prometheus", "alertmanager")
    broker, prometheus, alertmanager = (next(name for name in named if f"/{what}:" in name) for what in kinds)
    rust(room, build, binary)
    distroless(room, base, binary)
    kafka(room, broker, libs)
    watcher(room, prometheus, f"{watching}/prometheus")
    watcher(room, alertmanager, alertmanager_of(watching))
    # Podman before 5 does not know this flag; nothing else is different.
    known = Path(room, "Dockerfile")
    known.write_text(dockerfile.replace(" --start-interval=1s", ""))
    run("mount", "--bind", known, ROOT / "Dockerfile")
