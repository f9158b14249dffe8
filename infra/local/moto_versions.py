"""Make moto's S3 list the versions of one object without copying every object of the bucket.

moto (5.2) answers ``ListObjectVersions`` by a deep copy of all keys with their bytes, whatever the prefix: with a few
hundred frames each of INGEST's looks at one key costs seconds and gigabytes. Here only the keys below the prefix are
looked at, and nothing is copied. Requests moto pages or groups are left to it.
"""

from __future__ import annotations

from typing import Any

from moto.s3.models import FakeKey, S3Backend

from infra.local.patches import Patches, Replacement

_original = Patches()


def _list_object_versions(
    backend: S3Backend,
    bucket_name: str,
    delimiter: str | None = None,
    key_marker: str | None = None,
    max_keys: int | None = 1000,
    prefix: str = "",
    version_id_marker: str | None = None,
) -> tuple[list[FakeKey], list[str], list[Any], str | None, str | None]:
    store = backend.get_bucket(bucket_name).keys
    names = sorted(name for name in list(store) if name.startswith(prefix or ""))
    found = [version for name in names for version in reversed(store.getlist(name, []))]  # newest first
    if delimiter or key_marker or (max_keys is not None and len(found) > max_keys):
        return _original[S3Backend, "list_object_versions"](
            backend, bucket_name, delimiter, key_marker, max_keys, prefix, version_id_marker
        )
    last = None
    for version in found:
        version.is_latest, last = version.name != last, version.name
    versions = [version for version in found if isinstance(version, FakeKey)]
    markers = [version for version in found if not isinstance(version, FakeKey)]
    return versions, [], markers, None, None


_REPLACEMENTS: list[Replacement] = [(S3Backend, "list_object_versions", _list_object_versions)]


def install() -> None:
    """Patch moto's S3 in this process; a second call does nothing."""
    _original.install(_REPLACEMENTS)


def uninstall() -> None:
    """Undo :func:`install`."""
    _original.uninstall()
