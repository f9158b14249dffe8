"""The static page in object storage: which file is what, and with which headers it is sent.

    python -m infra.site --api https://goodman.example.org/api --bucket goodman-page

writes the copy that is deployed to ``build/site``, puts it into the bucket, and prints the headers that whatever
serves the bucket (CloudFront) has to send. The one-machine stack (:mod:`infra.local.pages`) sends the very same.
"""

from __future__ import annotations

import argparse
import json
import mimetypes
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "frontend" / "dist"
COPY = ROOT / "build" / "site"
INDEX = "index.html"
ASSETS = "assets/"

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

_HASHED = re.compile(r"assets/[^/]+-[0-9A-Za-z]{8}(\.[a-z0-9]+)+")
_META = re.compile(r'<meta name="goodman-api" content="[^"]*">')
_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".map": "application/json"}

UPLOAD_HEADERS = ("Content-Type", "If-None-Match", "x-amz-checksum-sha256")
"""What a browser sends with an upload (:mod:`chalicelib.store.uploads`), apart from what it always may."""

CORS_SECONDS = 3600


class NotBuilt(Exception):
    """There is no page to deploy, or no place for it."""


@dataclass(frozen=True)
class PageFile:
    """A file of the page as it goes to object storage."""

    path: str
    content: bytes
    content_type: str
    cache_control: str


def content_type(path: str) -> str:
    """The media type of a file of the page, the same on every machine."""
    suffix = Path(path).suffix.lower()
    kind = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def cache_control(path: str) -> str:
    """How long a browser may keep a file: for ever where its name changes with its content."""
    return FOREVER if _HASHED.fullmatch(path.lstrip("/")) else ASK_AGAIN


def policy(connect: Iterable[str] = ()) -> str:
    """The page's Content-Security-Policy.

    Parameters
    ----------
    connect : iterable of str
        Where the page may send requests besides its own origin: the API if it is elsewhere, the storage of frames.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            " ".join(("connect-src 'self'", *connect)),
            "worker-src 'self'",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def security_headers(connect: Iterable[str] = (), *, https: bool = True) -> dict[str, str]:
    """The headers every file of the page is sent with; ``https`` says whether the page is served so."""
    headers = {
        "Content-Security-Policy": policy(connect),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    return headers | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})


def origin(address: str) -> str | None:
    """The origin of an address, None for a path on the page's own."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None


def storage_address(bucket: str | None = None) -> str:
    """The address below which presigned URLs of the frames' bucket are: no other bucket may be asked by the page."""
    from chalicelib.store import clients

    bucket = bucket or clients.bucket()
    url = urlsplit(clients.s3().generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"}))
    return f"{url.scheme}://{url.netloc}{url.path.removesuffix('x')}"


def cross_origin_rules(origins: Any) -> list[dict[str, Any]]:
    """Which pages' scripts may use presigned URLs of the frames' bucket (its CORS rules, as CloudFormation has them).

    Parameters
    ----------
    origins : list of str, or what CloudFormation makes one of
        ``["*"]`` where the page's origin is not known: an address is signed and carries no cookie, so whoever has it
        may use it from anywhere in any case.
    """
    return [
        {
            "AllowedOrigins": origins,
            "AllowedMethods": ["GET", "HEAD", "PUT"],
            "AllowedHeaders": list(UPLOAD_HEADERS),
            "ExposedHeaders": ["ETag"],
            "MaxAge": CORS_SECONDS,
        }
    ]


def deployable(api: str, pages: Path) -> list[PageFile]:
    """What a deployment copies, in the order in which it has to.

    Hashed files come first and ``index.html`` last, so that no page ever names a file that is not there yet.

    Parameters
    ----------
    api : str
        Address of the API (``https://…/api``), or its path where it has the page's origin (``/api``).

    Raises
    ------
    NotBuilt
        ``pages`` holds no built page.
    """
    if not (pages / INDEX).is_file():
        raise NotBuilt(f"The page is not built: {pages / INDEX} is not there (make frontend).")
    paths = [path.relative_to(pages).as_posix() for path in pages.rglob("*") if path.is_file()]
    paths = [path for path in paths if not path.endswith(".map")]
    return [
        PageFile(path, _content(pages / path, path, api), content_type(path), cache_control(path))
        for path in sorted(paths, key=lambda path: (path == INDEX, not path.startswith(ASSETS), path))
    ]


def _content(file: Path, path: str, api: str) -> bytes:
    if path != INDEX:
        return file.read_bytes()
    text, count = _META.subn(
        lambda _: f'<meta name="goodman-api" content="{api.rstrip("/")}">', file.read_text("utf-8")
    )
    if count != 1:
        raise NotBuilt(f"{file} does not say where the API is: it has {count} elements meta goodman-api, not one.")
    return text.encode()


def write(files: Iterable[PageFile], folder: Path) -> None:
    """Write the copy into a folder of its own; what an earlier copy left there goes.

    Raises
    ------
    NotBuilt
        The folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()):
        index = folder / INDEX
        if folder.resolve() == PAGES.resolve() or not (index.is_file() and _META.search(index.read_text("utf-8"))):
            raise NotBuilt(f"{folder} holds something else than a copy of the page: name a folder of its own.")
        shutil.rmtree(folder)
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)


def upload(files: Iterable[PageFile], bucket: str, client: Any) -> int:
    """Put the files into a bucket, one after the other; how many.

    Nothing is deleted: a page that was opened before still asks for its own hashed files.
    """
    count = 0
    for count, file in enumerate(files, start=1):
        client.put_object(
            Bucket=bucket,
            Key=file.path,
            Body=file.content,
            ContentType=file.content_type,
            CacheControl=file.cache_control,
        )
    return count


def _api(text: str) -> str:
    parts = urlsplit(text)
    path_only = text.startswith("/") and not text.startswith("//")
    if not path_only and not (parts.scheme == "https" and parts.netloc):
        raise argparse.ArgumentTypeError(f"{text} is neither an https:// address nor a path such as /api")
    if re.search(r"[\s\"'<>;,?#]", text):
        raise argparse.ArgumentTypeError(f"{text} is not an address the page can carry")
    return text


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m infra.site", description="The page as it is deployed.")
    top.add_argument("--api", type=_api, required=True, help="address of the API, or its path on the page's own")
    top.add_argument("--bucket", help="put the page into this bucket, too")
    top.add_argument("--frames", help="bucket of the frames, for the headers (default: GOODMAN_BUCKET)")
    top.add_argument("--out", type=Path, default=COPY, help="folder of the copy, emptied first (default: build/site)")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = parser().parse_args(arguments)
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        files = deployable(options.api, PAGES)
        connect = [place for place in (origin(options.api), storage_address(options.frames)) if place]
        write(files, options.out)
        print(f"{len(files)} files, {sum(len(file.content) for file in files)} bytes: {options.out}", file=sys.stderr)
        if options.bucket:
            from chalicelib.store import clients

            print(f"{upload(files, options.bucket, clients.s3())} files put into {options.bucket}", file=sys.stderr)
    except (NotBuilt, OSError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(security_headers(connect), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
