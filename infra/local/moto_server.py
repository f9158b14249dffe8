"""moto as a thread of this process, on a port of its own."""

from __future__ import annotations

import logging
import os
import resource
import threading

HOST = "127.0.0.1"
S3_BUFFER = 1 << 20
"""Bytes of an object kept in memory; the rest of it goes to a temporary file."""


class MotoServer:
    """S3, SQS, DynamoDB, SES and CloudWatch of moto, safe under several writers (:mod:`infra.local.moto_locks`).

    Everything lives in memory (big objects in temporary files) and is gone when the process ends.
    """

    def __init__(self, port: int = 0, host: str = HOST) -> None:
        os.environ.setdefault("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(S3_BUFFER))
        _allow_many_files()
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server

        from infra.local import moto_locks

        moto_locks.install()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = make_server(
            host,
            port,
            DomainDispatcherApplication(create_backend_app),
            threaded=True,
            request_handler=type("QuietHandler", (MotoRequestHandler,), {"log_request": lambda *_: None}),
        )
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="moto", daemon=True)
        self._thread.start()
        self.url = f"http://{host}:{self._server.server_port}"

    def stop(self) -> None:
        """Stop listening and forget everything stored."""
        from moto.core.base_backend import BackendDict

        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        BackendDict.reset()


def _allow_many_files() -> None:
    """Every big object is an open temporary file: take as many descriptors as the system gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
