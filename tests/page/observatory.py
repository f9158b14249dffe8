"""The one-machine stack as a process of its own, and a small night for it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import boto3

from chalicelib.domain.naming import raw_key
from infra.simulate import frames, plan_night

ROOT = Path(__file__).resolve().parents[2]
EVENING = date(2026, 8, 14)
NIGHT = int(EVENING.strftime("%Y%m%d"))
PROPOSAL = "SOAR2026B-014"
FEWEST = 3
"""Biases and flats a master is made of here: the least the settings allow."""


class Observatory:
    """The stack; use as a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local", "up", "--json", "--port", "0", "--workers", "2"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            self._rendered: list[tuple[str, bytes]] = []
            rendering = threading.Thread(target=self._render, daemon=True)
            rendering.start()
            assert self._process.stdout
            described = json.loads(self._process.stdout.readline())
            rendering.join()
        except BaseException:
            self.__exit__()
            raise
        self.web: str = described["web"]
        self.storage: str = described["s3"]
        self._api: str = described["api"].rstrip("/")
        self._bucket: str = described["bucket"]
        self.tokens: dict[str, str] = described["tokens"]
        self.logins: dict[str, dict[str, str]] = described["logins"]
        self._come: set[str] = set()
        self._reduced = False
        self._sessions: dict[str, dict[str, Any]] = {}
        for proposal in self.ask("/proposals/")["results"]:
            self.set(proposal["id"], minimum_biases=FEWEST, minimum_flats=FEWEST)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _render(self) -> None:
        plan = plan_night(
            "930_M4", "Blue", 7, n_bias=FEWEST, n_flat=FEWEST, n_science=3, n_targets=2, imaging=False, standard=False,
            region="small", evening=EVENING, seconds=60.0,
        )  # fmt: skip
        self._rendered = [(name, data) for name, data, _ in frames(plan)]

    @property
    def names(self) -> list[str]:
        """Names of the night's frames in the order of their exposure, without the late one."""
        return [name for name, _ in self._rendered if name != self.late]

    @cached_property
    def spectra(self) -> list[str]:
        """Names of the exposures of targets, the late one last."""
        return [name for name, _ in self._rendered if not any(word in name for word in ("BIAS", "QUARTZ", "_comp"))]

    @property
    def late(self) -> str:
        """The exposure that comes after all others."""
        return self.spectra[-1]

    def upload(self, name: str) -> None:
        """Put a frame into the bucket, as the telescope does."""
        if name not in self._come:
            self._come.add(name)
            self._s3.put_object(Bucket=self._bucket, Key=raw_key(NIGHT, name), Body=dict(self._rendered)[name])

    @cached_property
    def _s3(self) -> Any:
        return boto3.client("s3", endpoint_url=self.storage, region_name="us-east-1")

    def reduce(self) -> None:
        """Return when every frame has come, and has ended in its state; the late one stays away."""
        if self._reduced:
            return
        for name in self.names:
            self.upload(name)
        self.wait(lambda: self._settled(len(self._come)))
        self._reduced = True

    def _settled(self, expected: int) -> bool:
        raws = self.files(data_type=0)
        there = [raw for raw in raws if raw["status"] in ("done", "failed", "rejected")]
        return len(there) == len(raws) == expected and len(self.files(data_type=4, obstype="SPECTRUM")) >= 4

    def wait(self, condition: Callable[[], Any], seconds: float = 90) -> None:
        """Return when the pipeline has come so far."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the pipeline did not come so far in time"
            time.sleep(0.5)  # another process works meanwhile

    def files(self, **wanted: object) -> list[dict[str, Any]]:
        """Records, newest first."""
        query = "&".join(f"{name}={value}" for name, value in {"page_size": 100, **wanted}.items())
        return self.ask(f"/files/?{query}")["results"]

    def file(self, name: str, data_type: int = 4, target: int | None = 1) -> dict[str, Any]:
        """The product of a raw frame."""
        raw = next(one["id"] for one in self.files(data_type=0) if one["file_name"] == name)
        if data_type == 0:
            return self.ask(f"/files/{raw}/")
        found = [one for one in self.files(data_type=data_type) if one["original_file_id"] == raw]
        return next(one for one in found if one["target"] in (target, None) and one["variant"] == "auto")

    def proposal(self, soar_id: str = PROPOSAL) -> int:
        """A proposal's number."""
        return next(one["id"] for one in self.ask("/proposals/")["results"] if one["soar_id"] == soar_id)

    def set(self, proposal: int, **settings: object) -> None:
        """Change a proposal's settings."""
        path = f"/proposals/settings/{proposal}"
        self.ask(path, "PATCH", {"revision": self.ask(path)["revision"], "settings": settings})

    def session(self, role: str) -> dict[str, Any]:
        """A session of a role as the page keeps it; the same one each time."""
        if role not in self._sessions:
            self._sessions[role] = self.sign_in(role)
        return self._sessions[role]

    def sign_in(self, role: str) -> dict[str, Any]:
        """A new session."""
        return self.ask("/auth/login", "POST", self.logins[role], token=None)

    def sign_out(self, token: str) -> None:
        """End a session from elsewhere."""
        self.ask("/auth/logout", "POST", token=token)

    def ask(self, path: str, method: str = "GET", body: object = None, token: str | None = "superuser") -> Any:
        """What the API answers; ``token`` is a role or a token."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Token {self.tokens.get(token, token)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._api}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                content = answer.read()
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{method} {path}: {refusal.code} {refusal.read().decode()}") from None
        return json.loads(content) if content else None
