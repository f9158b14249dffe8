"""The environment of the one-machine stack: everything points at moto, nothing can reach a real account."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "build" / "reference"
REGION = "us-east-1"

_PERSONAL = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def configure(endpoint: str, bucket: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """Point AWS clients made from now on, here and in child processes, at ``endpoint`` with made-up credentials."""
    for name in list(environ):
        if name in _PERSONAL or name.startswith(("AWS_ENDPOINT_URL", "AWS_CONTAINER_")):
            del environ[name]
    environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID="AKIALOCALGOODMANLIVE",
        AWS_SECRET_ACCESS_KEY="local",
        AWS_DEFAULT_REGION=REGION,
        AWS_REGION=REGION,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        GOODMAN_BUCKET=bucket,
    )
    environ.pop("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", None)
    environ.setdefault("GOODMAN_REFERENCE", str(REFERENCE))
    environ.setdefault("POWERTOOLS_SERVICE_NAME", "goodman-live")
    environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "GoodmanLive")
    for name in _THREADS:  # one core an invocation, as a Lambda of this size has; workers use the others
        environ[name] = "1"
    for name in ("NO_PROXY", "no_proxy"):  # a proxy must not see what goes to this machine itself
        hosts = [host for host in environ.get(name, "").split(",") if host]
        environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))
