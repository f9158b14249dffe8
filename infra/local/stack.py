"""The whole system on one machine, started and ended together."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from infra.local.environment import ROOT, configure

PAGES = ROOT / "frontend" / "dist"
PORT = 8000


def say(sentence: str) -> None:
    """Tell the person at the terminal something."""
    print(sentence, file=sys.stderr, flush=True)


class Stack:
    """moto, the pump, the web page and the API.

    Use as a context manager; leaving it ends every child process.

    Parameters
    ----------
    port : int
        Wanted for page and API; the next free one is used where it is taken, any free one for 0.
    workers : int, optional
        Worker processes; default: one a core.
    app : str
        Module of the Chalice application.
    notify : callable
        Told sentences for the person at the terminal.
    """

    def __init__(
        self,
        *,
        port: int = PORT,
        workers: int | None = None,
        app: str = "app",
        notify: Callable[[str], None] = say,
    ) -> None:
        self._port = port
        self._workers = workers or os.process_cpu_count() or 1
        self._app = app
        self._notify = notify
        self._running: list[Callable[[], None]] = []
        self.tokens: dict[str, str] = {}
        self.logins: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        from infra.local.moto_server import MotoServer
        from infra.local.pump_process import PumpProcess

        self.directory = Path(tempfile.mkdtemp(prefix="goodman-live-"))
        self._running.append(lambda: shutil.rmtree(self.directory, ignore_errors=True))
        self.moto = MotoServer()
        self._running.append(self.moto.stop)
        self.bucket = f"goodman-live-{int(time.time())}"  # a new name each time: browsers cache pictures by address
        configure(self.moto.url, self.bucket)

        self.pump = PumpProcess(self._app, self._workers, self.directory, self._notify)
        self._running.append(self.pump.stop)
        self.pump.start()  # its workers take their time to import; resources are made meanwhile

        from chalicelib.store import clients, mail
        from infra.local import resources
        from infra.local.sweeper import Sweeper

        clients.forget()
        resources.create_all()
        self.tokens, self.logins = _seed()

        from infra import site
        from infra.local.mailbox import Postman
        from infra.local.queue_metrics import QueueMetrics
        from infra.local.web import WebServer

        application = importlib.import_module(self._app)
        self.web = WebServer(application.app, PAGES, self._port, self._notify, connect=[site.storage_address()])
        self._running.append(self.web.stop)
        os.environ[mail.PAGE] = self.web.url  # where the links in letters lead
        self._running.append(Postman(self._notify).stop)
        self.pump.wait_until_ready()
        self._running.append(Sweeper(self._notify).stop)
        self._running.append(QueueMetrics(self._notify).stop)

    def stop(self) -> None:
        """End everything, last started first; a second call does nothing."""
        while self._running:
            self._running.pop()()

    def description(self) -> dict[str, Any]:
        """What a program needs to use the stack (design §10)."""
        return {
            "api": self.web.api,
            "web": self.web.url,
            "bucket": self.bucket,
            "s3": self.moto.url,
            "tokens": self.tokens,
            "logins": self.logins,
        }


def _seed() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Fixture users and proposals; role → API token, role → what to sign in with."""
    from chalicelib.store import fixtures

    return fixtures.seed_fixture_accounts(), fixtures.logins()
