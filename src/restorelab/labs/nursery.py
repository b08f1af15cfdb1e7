"""`python -m restorelab.labs.nursery FD`: imports once what takes seconds, and forks a sandbox whenever its judge asks for one.

It never sees a hidden test, so neither does a sandbox, which is a copy of it.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path

from restorelab.labs import jail

END = b"e"  # what a judge sends to end a sandbox


def main(number: int) -> None:
    isolation = jail.close_off()  # before anything imports threads
    jail.die_with_parent(signal.SIGKILL)
    control = socket.socket(fileno=number)
    order = json.loads(control.recv(1 << 20))
    import restorelab.labs.sandbox  # noqa: F401 (with torch and the checks: seconds, once)

    memory = _size() + order["memory"] if sys.platform == "linux" else 0  # macOS does not heed such a limit
    if isolation.namespaces:
        try:
            jail.shut()
        except OSError as error:
            control.send(json.dumps({"failed": f"{error.strerror} ({error.filename})"}).encode())
            return
    control.send(json.dumps({"namespaces": isolation.namespaces, "reason": isolation.reason}).encode())
    while True:
        message, links, _, _ = socket.recv_fds(control, 16, 1)
        if not message:
            return
        link = socket.socket(fileno=links[0])
        child = os.fork()
        if child == 0:
            _watch(link, isolation, order["seconds"], memory)
        link.close()
        control.recv(1)  # END, or nothing when the judge is gone
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
        control.send(str(_ended(child)).encode())


def _size() -> int:
    """Bytes of address space that this process has, which every sandbox begins with."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _watch(link: socket.socket, isolation: jail.Isolation, seconds: int, memory: int) -> None:
    """In a child: fork the sandbox, wait for it, and end it when told to. Does not return."""
    status = 1
    try:
        jail.own_processes(isolation)
        slot = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until there is something to end
        sandbox = os.fork()
        if sandbox == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            _live(link, isolation, slot, seconds, memory)
        link.close()
        signal.signal(signal.SIGTERM, lambda *_: _kill(sandbox))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        status = _ended(sandbox)
        _kill(sandbox)  # the rest of its group
    finally:
        os._exit(status)


def _live(link: socket.socket, isolation: jail.Isolation, slot: int, seconds: int, memory: int) -> None:
    from restorelab.labs import sandbox

    try:
        sandbox.quiet_files(link)
        jail.confine(isolation, slot, seconds, memory)
        sandbox.Sandbox(link).run()
    finally:
        os._exit(0)


def _kill(process: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)


def _ended(process: int) -> int:
    """Exit status of a child; 128 and the number for one that a signal ended."""
    _, status = os.waitpid(process, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
