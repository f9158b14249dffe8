"""``purge``: what was deleted and can no longer be restored is removed from the bucket."""

from __future__ import annotations

import argparse

from chalicelib.store import clock
from chalicelib.store import purge as purging


def purge(options: argparse.Namespace) -> int:
    """Do now what the schedule does; raw frames are never touched."""
    count = purging.purge_due(clock.now(), days_back=options.days)
    print(f"{count} deleted file(s) were removed for good.")
    return 0
