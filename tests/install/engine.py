"""A container engine of this process' own: Podman, in namespaces and on storage that end with it, so that nothing is left.

It needs Linux and root. There is no network but that of its containers, so nothing can be pulled: images.py makes what is.
"""

import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

PROGRAMS = ["podman", "crun", "conmon", "ip", "iptables"]
PACKAGES = ["podman", "crun", "netavark", "aardvark-dns", "iptables", "iproute2"]
SOCKET = "/run/podman.sock"
# Nothing here takes as long on the slowest machine.
PATIENCE = 120


def run(*command, **options):
    """Runs it to its end, gives what it said, and fails with all of it."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def begin(room):
    """Makes these namespaces, which have been probed, fit for the engine. `room` is a directory for all that it writes."""
    # In memory: an overlay can't lie on another one, which this system's root may be. The engine also keeps its locks and what
    # it knows of images at places that no setting moves.
    for where in (room, "/run", "/dev/shm", "/var/lib/containers"):
        Path(where).mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", where)
    run("ip", "link", "set", "lo", "up")
    Path(room, "containers.conf").write_text(f"""
[containers]
# None is made, so none is left.
cgroups = "disabled"
# Others than one's own are not everyone's to set.
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
# It would be loaded into the machine's kernel, and stay there.
apparmor_profile = "unconfined"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
[network]
network_backend = "netavark"
network_config_dir = "{room}/networks"
""")
    Path(room, "storage.conf").write_text(f"""
[storage]
driver = "overlay"
graphroot = "{room}/storage"
runroot = "/run/containers/storage"
""")
    Path(room, "registries.conf").write_text('unqualified-search-registries = ["docker.io"]\n')
    Path(room, "bin").mkdir()
    os.environ.update(
        CONTAINERS_CONF=f"{room}/containers.conf",
        CONTAINERS_STORAGE_CONF=f"{room}/storage.conf",
        CONTAINERS_REGISTRIES_CONF=f"{room}/registries.conf",
        TMPDIR=str(room),
        HOME=str(room),
        PATH=f"{room}/bin:{os.environ['PATH']}",
        # Health checks are asked for by Watch, since there is no systemd to do it, and are no part of OCI's images.
        DISABLE_HC_SYSTEMD="true",
        BUILDAH_FORMAT="docker",
    )


def takes_connections():
    with socket.socket(socket.AF_UNIX) as one:
        return one.connect_ex(SOCKET) == 0


def serve(room, compose):
    """Answers as Docker does, and gives this Compose a client's name; both end with these namespaces. Gives who watches."""
    said = Path(room, "engine").open("w")
    engine = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{SOCKET}"], stdout=said, stderr=said)
    end = time.monotonic() + PATIENCE
    while not takes_connections():
        assert engine.poll() is None and time.monotonic() < end, f"the engine does not answer: see {said.name}"
        time.sleep(0.05)  # it tells nobody when it does
    docker = Path(room, "bin/docker")
    docker.write_text(f'#!/bin/sh\n[ "$1" = compose ] || exec podman "$@"\nshift\nexec {compose} "$@"\n')
    docker.chmod(0o755)
    # Its other way to build is a container of Docker's, which would have to be pulled.
    os.environ.update(DOCKER_HOST=f"unix://{SOCKET}", DOCKER_BUILDKIT="0")
    watch = Watch()
    watch.start()
    return watch


def inspect(*containers):
    return json.loads(run("podman", "container", "inspect", *containers))


def is_well(seen):
    return seen["State"]["Status"] == "running" and seen["State"]["Health"]["Status"] == "healthy"


class Watch(threading.Thread):
    """Looks at all containers once a second, and has each one's health checked: as often as it says, and each second until it
    is well, as engines do that know a start's interval.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.looked = threading.Condition()
        self.seen = {}
        self.checks = {}
        # Why it looked in vain the last time, and why it looks no more.
        self.missed = self.ended = None

    def until(self, what, container, holds):
        """Waits until this is so of what is seen of a container."""
        with self.looked:
            so = self.looked.wait_for(lambda: self.ended or container in self.seen and holds(self.seen[container]), PATIENCE)
            if self.ended:
                raise AssertionError(f"nobody looks any more whether {what}") from self.ended
            state = self.seen.get(container, {}).get("State")
            assert so, f"waited {PATIENCE} s in vain until {what}: {state}; the last look that failed: {self.missed}"

    def run(self):
        try:
            while True:
                time.sleep(1)
                self.look()
        except Exception as error:  # whoever waits is told it
            with self.looked:
                self.ended = error
                self.looked.notify_all()

    def look(self):
        try:
            names = run("podman", "ps", "--all", "--quiet", "--no-trunc").split()
            seen = {one["Id"]: one for one in inspect(*names)} if names else {}
        except AssertionError as error:
            self.missed = error  # one was removed meanwhile
            return
        with self.looked:
            self.seen = seen
            self.looked.notify_all()
        for one in seen.values():
            self.check(one)

    def check(self, seen):
        check = seen["Config"].get("Healthcheck")
        if seen["State"]["Status"] != "running" or not check or check["Test"][0] == "NONE":
            return
        # One that was started again is another.
        key = seen["State"]["Pid"]
        began, last = self.checks.get(key, (0, None))
        age = time.monotonic() - began
        if last and last.poll() is None:
            # The engine itself would wait for ever for an answer out of a container that was killed.
            if age > PATIENCE / 3:
                last.kill()
        elif age > (check["Interval"] / 1e9 if is_well(seen) else 1):
            command = ["podman", "healthcheck", "run", seen["Id"]]
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.checks[key] = (time.monotonic(), child)
