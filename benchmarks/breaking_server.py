"""``tingban serve`` whose recogniser breaks when told to: ``python -m benchmarks.breaking_server serve …``.

SIGUSR1 raises an exception in the thread that hears all calls, wherever that thread is.
"""

from __future__ import annotations

import ctypes
import signal
import threading

from server.cli import main

WORKER = "tingban-recogniser"


class BrokenWorkerError(RuntimeError):
    """What is raised there."""


def _break(*_: object) -> None:
    for thread in threading.enumerate():
        if thread.name == WORKER and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(BrokenWorkerError)
            )


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _break)
    main()
