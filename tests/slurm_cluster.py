"""A real SLURM on this machine, of one node, in a folder of its own; nothing of /etc is read or written.

Needs Debian's packages slurm-wlm and munge (tried with 22.05.8). By hand:

    python tests/slurm_cluster.py bash     a shell in which sbatch, squeue and `restorelab sweep --slurm` find the cluster
"""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATH = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"  # where Debian puts daemons, and where users rarely look
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
READY = 30  # seconds
CONF = """\
ClusterName=one_node
SlurmctldHost={host}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=2
SchedulerParameters=batch_sched_delay=0,sched_interval=5
NodeName={host} CPUs={cores} State=UNKNOWN
PartitionName=teaching Nodes=ALL Default=YES MaxTime=60 State=UP
"""


def missing() -> list[str]:
    """The programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """Starts the three daemons, yields the environment in which commands find them, cancels what still runs, and stops them."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # short: a socket's path has at most 107 characters
    environment = os.environ | {"PATH": PATH, "SLURM_CONF": str(folder / "slurm.conf")}
    daemons: list[subprocess.Popen] = []
    try:
        _write_configuration(folder)
        for words in _daemons(folder):
            with open(folder / f"{words[0]}.log", "w") as log:
                daemons.append(subprocess.Popen(words, env=environment, stdout=log, stderr=log, start_new_session=True))
            time.sleep(0.3)
        _wait_until_idle(folder, environment)
        yield environment
        _cancel_everything(environment)
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
            daemon.kill()
            daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _write_configuration(folder: Path) -> None:
    folder.chmod(0o755)  # munged wants its socket to be reachable for everyone
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    facts = {"host": socket.gethostname().split(".")[0], "user": getpass.getuser(), "cores": os.cpu_count(), "ports": _free_ports()}
    (folder / "slurm.conf").write_text(CONF.format(folder=folder, **facts))
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # not used: the processes are tracked without


def _daemons(folder: Path) -> list[list[str]]:
    files = [f"--{what}-file={folder}/munge.{what}" for what in ("key", "pid", "log", "seed")]
    return [["munged", "--foreground", f"--socket={folder}/munge.socket", *files], ["slurmctld", "-D"], ["slurmd", "-D"]]


def _free_ports() -> list[int]:
    doors = [socket.socket() for _ in range(2)]
    for door in doors:
        door.bind(("", 0))
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports


def _wait_until_idle(folder: Path, environment: dict[str, str]) -> None:
    deadline = time.monotonic() + READY
    while ask(environment, "sinfo", "-h", "-o", "%T") != "idle":
        if time.monotonic() > deadline:
            logs = "\n".join(f"{log.name}: {log.read_text()[-600:]}" for log in sorted(folder.glob("*.log")))
            raise RuntimeError(f"SLURM did not start within {READY} seconds.\n{logs}")
        time.sleep(0.2)


def _cancel_everything(environment: dict[str, str]) -> None:
    ask(environment, "scancel", "--me")
    deadline = time.monotonic() + 10
    while ask(environment, "squeue", "-h") and time.monotonic() < deadline:
        time.sleep(0.2)


def ask(environment: dict[str, str], *words: str) -> str:
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30).stdout.strip()


if __name__ == "__main__":
    if missing():
        sys.exit(f"not installed: {', '.join(missing())}. On Debian: apt-get install slurm-wlm munge")
    with cluster() as around:
        sys.exit(subprocess.run(sys.argv[1:] or ["bash"], env=around).returncode)
