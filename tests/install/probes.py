"""What a system has to let one do before an engine can run on it, asked one by one: each that it does not let has a name, and
whatever fails after them all is a mistake.
"""

import json
import subprocess
from pathlib import Path

from images import Image

NAMESPACES = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]
# All images and what is written in them lie in memory, 955 MB with a debug build, and a broker's heap has 1 GB.
MEMORY_MB = 3072

NETWORK = {
    "bridges": "ip link add probe type bridge",
    "pairs of interfaces": "ip link add probe-1 type veth peer name probe-2",
    "translation of addresses": "iptables --table nat --append POSTROUTING --jump MASQUERADE",
}
UNDONE = ["ip link delete probe", "ip link delete probe-1", "iptables --table nat --flush"]


def holds(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    print(done.stdout + done.stderr, end="", flush=True)
    return done.returncode == 0


def outside():
    """Why no namespaces can be had by who asks, who is root."""
    [free] = (int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:"))
    if free < MEMORY_MB * 1024:
        return f"this takes {MEMORY_MB} MB of memory, and {free // 1024} are free"
    if not holds("unshare", *NAMESPACES, "--", "true"):
        return "this system lets nobody make namespaces"
    return None


def inside(room):
    """Why no container can run in these namespaces, which it also makes apart from the machine's: what is mounted here is seen
    here alone. `room` is an empty directory, and one again after it.
    """
    if not holds("mount", "--make-rprivate", "/") or not holds("mount", "-t", "tmpfs", "tmpfs", room):
        return "this system lets nobody mount"
    # Where there are cgroups of both kinds, the runtime is content with the older one alone.
    subprocess.run(["umount", "/sys/fs/cgroup/unified"], capture_output=True, check=False)
    image = Image(room)
    image.programs("true")
    for name in ("new", "work", "rootfs"):
        Path(room, name).mkdir()
    layers = f"lowerdir={image.root},upperdir={room}/new,workdir={room}/work"
    if not holds("mount", "-t", "overlay", "-o", layers, "overlay", f"{room}/rootfs"):
        return "this system lays no overlay on memory"
    for what, command in NETWORK.items():
        if not holds(*command.split()):
            return f"this system's networks have no {what}"
    # With all that the runtime itself proposes for one.
    if not holds("sh", "-c", 'cd "$1" && crun spec', "sh", room):
        return "this system lets nobody run a container"
    bundle = Path(room, "config.json")
    spec = json.loads(bundle.read_text())
    spec["process"].update(terminal=False, args=["/bin/true"])
    # As the engine does that makes no cgroups.
    del spec["linux"]["resources"]
    bundle.write_text(json.dumps(spec))
    if not holds("crun", "--root", f"{room}/state", "--cgroup-manager", "disabled", "run", "--bundle", room, "probe"):
        return "this system lets nobody run a container"
    # What was made here is not what the engine begins with.
    for made in (*UNDONE, f"umount {room}/rootfs", f"umount {room}"):
        assert holds(*made.split()), made
    return None
