"""What keeps a learner's code from the rest of the machine: namespaces where Linux permits them, and limits everywhere.

`close_off` is called once, by the nursery, while it is a single thread; `shut` by it when everything is imported; `confine` in each
sandbox. The calls are those of `bubblewrap` (https://github.com/containers/bubblewrap): a new root holds Python and this package,
read-only, and nothing else; sandboxes have no network, no /proc, no other process in sight, and a private folder in memory.
"""

import ctypes
import os
import re
import resource
import signal
import socket
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

import restorelab

PRIVATE = "/private"  # the working folder of a sandbox, in the jail
FOLDER_BYTES = 64 << 20  # what it can hold
PROCESSES = 16  # of one sandbox, its threads included
_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_KEPT_FLAGS = {8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}  # statvfs -> mount: noexec, noatime, nodiratime, relatime
_DETACH = 2
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS = 1, 24, 38
_FIRST_USER = 200_000  # of the users that sandboxes are when root grades


@dataclass(frozen=True)
class Isolation:
    """What holds in this grading."""

    namespaces: bool
    reason: str = ""  # why there are none

    def __str__(self) -> str:
        if self.namespaces:
            return (
                "Linux namespaces: no network; of the files, Python and this package alone, read-only; no other process in sight; "
                "a private folder of 64 MB in memory; limits on time, memory and processes. "
                "The kernel is shared: this is no virtual machine."
            )
        return (
            f"limits on time, memory and processes, and a block of Python's sockets, no more ({self.reason}). A submission that means "
            "harm can read your files, hidden tests included: grade classes you do not trust on Linux, or in a virtual machine."
        )


def close_off() -> Isolation:
    """Leave the machine's network and mounts behind, if that is permitted."""
    if sys.platform != "linux":
        return Isolation(False, f"{sys.platform} has no namespaces")
    root = os.geteuid() == 0
    user, group = os.geteuid(), os.getegid()
    try:
        _call("unshare", (0 if root else _NEWUSER) | _NEWNS | _NEWNET | _NEWIPC)
        if not root:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _call("mount", None, b"/", None, _REC | _PRIVATE, None)
    except OSError as error:
        return Isolation(False, f"this machine forbids namespaces: {error.strerror}")
    return Isolation(True)


def shut() -> None:
    """Change to a root that holds what Python needs to run, read-only. Raises OSError."""
    base = tempfile.gettempdir()
    _call("mount", b"tmpfs", base.encode(), b"tmpfs", _NOSUID | _NODEV, b"size=1m,mode=755")
    for name in ("new", "old"):
        os.mkdir(f"{base}/{name}")
    os.chdir(base)
    _call("pivot_root", b".", b"old")
    os.chdir("/")
    _call("mount", b"/new", b"/new", None, _BIND | _REC, None)
    for path in _readable():
        _show(path)
    for name in (PRIVATE, "/tmp"):
        os.makedirs(f"/new{name}", exist_ok=True)
    for point in _mounts("/new"):
        flags = sum(ours for theirs, ours in _KEPT_FLAGS.items() if os.statvfs(point).f_flag & theirs)
        device = 0 if point.startswith("/new/dev/") else _NODEV
        _call("mount", None, point.encode(), None, _REMOUNT | _BIND | _RDONLY | _NOSUID | device | flags, None)
    os.chdir("/new")
    _call("pivot_root", b".", b".")
    _call("umount2", b".", _DETACH)
    os.chdir("/")


def _readable() -> list[str]:
    """Python with its packages, this one, the system's libraries, and three devices."""
    python = {sys.prefix, sys.base_prefix, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    folders = python | {str(Path(restorelab.__file__).resolve().parent), "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"}
    found = {path for path in folders if os.path.exists(f"/old{path}")}
    outermost = {path for path in found if not any(path != other and Path(path).is_relative_to(other) for other in found)}
    return [*sorted(outermost), "/dev/null", "/dev/zero", "/dev/urandom"]


def _show(path: str) -> None:
    if os.path.islink(f"/old{path}"):  # /lib -> usr/lib
        os.symlink(os.readlink(f"/old{path}"), f"/new{path}")
        return
    os.makedirs(os.path.dirname(f"/new{path}"), exist_ok=True)
    if os.path.isdir(f"/old{path}"):
        os.makedirs(f"/new{path}", exist_ok=True)
    else:
        Path(f"/new{path}").touch()
    _call("mount", f"/old{path}".encode(), f"/new{path}".encode(), None, _BIND | _REC, None)


def _mounts(root: str) -> list[str]:
    lines = Path("/old/proc/self/mountinfo").read_text().splitlines()
    points = [re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4]) for line in lines]  # a space is \040
    return [point for point in points if point == root or point.startswith(root + "/")]


def own_processes(isolation: Isolation) -> None:
    """From here on, what is forked sees and can reach itself alone."""
    if isolation.namespaces:
        _call("unshare", _NEWPID | _NEWNS)
    die_with_parent(signal.SIGTERM)


def die_with_parent(number: int) -> None:
    if sys.platform == "linux":
        _call("prctl", _PDEATHSIG, number, 0, 0, 0)


def confine(isolation: Isolation, slot: int, seconds: int, memory: int) -> None:
    """Take every right away and set the limits: `seconds` of processor time, `memory` bytes beside what is there already."""
    os.setsid()
    if isolation.namespaces:
        _call("mount", b"tmpfs", PRIVATE.encode(), b"tmpfs", _NOSUID | _NODEV, f"size={FOLDER_BYTES},mode=777".encode())
        os.chdir(PRIVATE)
    else:
        os.chdir(tempfile.mkdtemp(dir=os.environ["HOME"]))  # of the nursery, which goes with its judge
        _block_sockets()
    tempfile.tempdir = os.getcwd()  # /tmp cannot be written: without this torch's first optimizer fails, which makes a folder there
    for name, limit in {"CPU": seconds, "CORE": 0, "FSIZE": FOLDER_BYTES, "NOFILE": 64}.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit + (name == "CPU")))
    if isolation.namespaces:  # elsewhere the processes of the whole user would be counted
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if isolation.namespaces:
        _drop_rights(_FIRST_USER + slot % 100_000)


def _drop_rights(user: int) -> None:
    _call("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(64):
        ctypes.CDLL(None).prctl(_CAPBSET_DROP, capability, 0, 0, 0)  # those the kernel does not know are refused
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _call("capset", (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())


def _block_sockets() -> None:
    def refuse(*args, **kwargs):
        raise PermissionError("no network here")

    socket.socket.__init__ = socket.socket.connect = refuse
    socket.create_connection = socket.getaddrinfo = refuse


def _call(name: str, *arguments) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
