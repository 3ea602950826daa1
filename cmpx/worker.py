"""The sandboxed processes that run listings: one parent, started once; one child a job."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Outcome", "run"]

_PACKET = 1 << 16


class Outcome:
    """How a job ended.

    Parameters
    ----------
    answer : dict
        What it said; empty if it did not come to that.
    status : int
        As ``waitpid`` reports it.
    interrupted : bool
        Whether the reader stopped it.
    """

    def __init__(self, answer: dict[str, Any], status: int, interrupted: bool) -> None:
        self.answer = answer
        self.status = status
        self.interrupted = interrupted

    @property
    def death(self) -> str:
        """The signal that ended it, if one did."""
        return signal.Signals(os.WTERMSIG(self.status)).name if os.WIFSIGNALED(self.status) else ""


class _Worker:
    """The parent process, and the two sockets to it and its child."""

    def __init__(self, program: Path) -> None:
        self.control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.results, results = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with control, results:
            self.process = subprocess.Popen(
                [program, str(control.fileno()), str(results.fileno())],
                pass_fds=(control.fileno(), results.fileno()),
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.owner = os.getpid()

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and self.process.poll() is None

    def close(self) -> None:
        self.control.close()
        self.results.close()
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()


_workers: dict[Path, _Worker] = {}
_lock = threading.Lock()


def _current(program: Path) -> _Worker:
    worker = _workers.get(program)
    if worker is None or not worker.alive:
        if worker is not None:
            worker.close()
        worker = _workers[program] = _Worker(program)
    return worker


def run(program: Path, job: dict[str, object], progress: Callable[[int], object] = lambda states: None) -> Outcome:
    """Run one job in a child of its own.

    Parameters
    ----------
    program : Path
        The parent to use, started at its first job.
    job : dict
        ``verb``, ``path`` of the built listing, and what the verb takes; `deadline` in seconds.
    progress : callable
        Called with the number of states, some ten times a second.

    Returns
    -------
    Outcome
        A KeyboardInterrupt ends the job early and is not raised: the outcome says so.
    """
    with _lock, _Interrupt() as interrupt:
        worker = _current(program)
        try:
            worker.control.send(b"".join(f"{name}={value}\0".encode() for name, value in job.items()))
            text = bytearray()
            told, done = False, None
            while done is None:
                if interrupt.came and not told:
                    told = True
                    with contextlib.suppress(OSError):
                        worker.control.send(b"stop\0")
                done = _listen(worker, text, progress)
        except BaseException:
            worker.close()  # it may be in the middle of the job, and would take the next for a word about this one
            raise
    try:
        answer = json.loads(text.decode("utf-8", "replace")) if text else {}
    except ValueError:  # a listing that wrote over its own result
        answer = {}
    return Outcome(answer if isinstance(answer, dict) else {}, done, told)


class _Interrupt:
    """Notes SIGINT, whoever has been handling it, in place of an exception that strikes between any two lines.

    What two processes have to agree on would be left half done: a packet taken and forgotten, a job sent and not waited for.
    """

    def __init__(self) -> None:
        self.came = False
        self._mine = threading.current_thread() is threading.main_thread()
        self._before: Any = None

    def __enter__(self) -> "_Interrupt":
        if self._mine:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: object) -> None:
        self.came = True

    def __exit__(self, *error: object) -> None:
        if self._mine:
            signal.signal(signal.SIGINT, self._before or signal.SIG_DFL)


def _listen(worker: _Worker, text: bytearray, progress: Callable[[int], object]) -> int | None:
    """Take one packet if one comes soon; the status of the child once it is gone and everything it sent is read."""
    ready, _, _ = select.select([worker.control, worker.results], [], [], 0.05)
    if worker.results in ready:
        _take(worker.results.recv(_PACKET), text, progress)
        return None
    if not ready:
        return None
    end = worker.control.recv(64)
    while select.select([worker.results], [], [], 0)[0]:
        packet = worker.results.recv(_PACKET)
        if not packet:
            break
        _take(packet, text, progress)
    return int(end.split()[1]) if end else 0x7F00


def _take(packet: bytes, text: bytearray, progress: Callable[[int], object]) -> None:
    if packet[:1] == b"r":
        text += packet[1:]
    elif packet[:1] == b"p" and packet[1:].isdigit():
        progress(int(packet[1:]))
