"""``python -m infra.operate``: what the observatory's staff do by hand, at AWS or at the one-machine stack.

What to use when is told in ``docs/operations.md``.
"""

from __future__ import annotations

import argparse
import getpass
import importlib
import os
import sys
from collections.abc import Sequence

from infra.operate import nights

SUCCESS, REFUSED, USAGE, REMAINS, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_CODES = """\
exit codes:
  0    done
  1    AWS refused, or does not answer
  2    wrong usage
  3    something is left that needs a person: the last line says what
  130  interrupted; run it again to do the rest
"""
EPILOG = f"""\
It works in the AWS account of your shell (AWS_PROFILE, AWS_REGION), or, with
--endpoint, in the one-machine stack: the address is what
`python -m infra.local up --json` prints as "s3".

What to do when is told in docs/operations.md.

{EXIT_CODES}"""


class Sentences(argparse.ArgumentParser):
    """An argument parser that answers wrong usage with one sentence."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Say what is wrong and exit with 2."""
        self.exit(USAGE, f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from chalicelib.domain.topology import DEAD_LETTER_QUEUE, UNDELIVERABLE_QUEUE

    where = Sentences(add_help=False)
    group = where.add_argument_group("where")
    group.add_argument("--endpoint", metavar="URL", help="the one-machine stack instead of AWS (its s3 address)")
    group.add_argument("--bucket", help="bucket of the frames (default: GOODMAN_BUCKET, or the only goodman-live… one)")
    group.add_argument("--actor", default=_user(), help="who the log says did it (default: %(default)s)")

    form = argparse.RawDescriptionHelpFormatter
    top = Sentences(
        prog="python -m infra.operate",
        description="Operate Goodman Live by hand.",
        epilog=EPILOG,
        formatter_class=form,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    def command(name: str, does: str, more: str = "") -> argparse.ArgumentParser:
        description = "\n".join(filter(None, [f"{does[0].upper()}{does[1:]}.", more]))
        return commands.add_parser(
            name, help=does, description=description, epilog=EXIT_CODES, parents=[where], formatter_class=form
        )

    queues = command("queues", "show how many messages wait in each queue, how old they are, and what is open")
    queues.add_argument("--json", action="store_true", help="as one JSON object")

    redrive = command(
        "redrive",
        "send undeliverable messages back to the queues they came from",
        "Each is sent before it is removed: if this is interrupted, a message may be\nsent twice, which is harmless.",
    )
    redrive.add_argument(
        "--queue",
        choices=(UNDELIVERABLE_QUEUE, DEAD_LETTER_QUEUE),
        default=UNDELIVERABLE_QUEUE,
        help=f"where they lie (default: {UNDELIVERABLE_QUEUE}; those in {DEAD_LETTER_QUEUE} are about to be recorded "
        "as failed by themselves)",
    )
    redrive.add_argument("--drop-unknown", action="store_true", help="delete messages nobody can make sense of")
    _dry_run(redrive)

    retry = command(
        "retry-failed",
        "retry what failed by an error worth another try",
        "Masters that failed are looked for only in nights that are named: no record shows them.",
    )
    _nights(retry, "only files and masters of this night (default: files of all nights)")
    retry.add_argument("--code", help="only failures of this code, as the record's failure.code says")
    _dry_run(retry)

    backfill = command(
        "backfill",
        "take in every object under raw/<night>/, again where it was taken in before",
        "It is brought on a few frames at a time; tonight's frames do not wait behind it.",
    )
    backfill.add_argument("nights", nargs="+", type=nights.parse, metavar="NIGHT", help=nights.FORMS)
    _dry_run(backfill)

    reprocess = command(
        "reprocess",
        "make everything anew with the settings and science version now in force",
        "It is brought on a few frames at a time; tonight's frames do not wait behind it.",
    )
    reprocess.add_argument("--proposal", help="only files of this proposal (its SOAR id)")
    _nights(reprocess, "only files of this night")
    _dry_run(reprocess)

    recount = command("recount", "compare counts and lists with the records")
    _nights(recount, "this night")
    recount.add_argument("--all", action="store_true", help="every night")
    recount.add_argument("--repair", action="store_true", help="set right what differs")

    purge = command("purge", "remove for good what was deleted longer ago than it can be restored")
    purge.add_argument(
        "--days", type=_days, default=14, help="look so many days back, as after an outage (default: %(default)s)"
    )

    superuser = command("superuser", "make somebody a superuser: the first one of a deployment")
    superuser.add_argument("username")
    superuser.add_argument("email", help="where the link that sets the password is mailed")
    superuser.add_argument("--show-link", action="store_true", help="print the link instead")
    return top


def _dry_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def _nights(command: argparse.ArgumentParser, does: str) -> None:
    command.add_argument(
        "--night", action="append", type=nights.parse, default=[], metavar="NIGHT", help=f"{does}: {nights.FORMS}"
    )


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3660:
        raise argparse.ArgumentTypeError(f"{text} is not a number of days from 1 to 3660")
    return int(text)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


def settle_where(options: argparse.Namespace) -> None:
    """Point AWS clients, before any is made, at what the options name.

    Raises
    ------
    NoSuchPlace
        The bucket cannot be told.
    """
    if options.endpoint:
        from infra.local.environment import configure

        configure(options.endpoint.rstrip("/"), options.bucket or os.environ.get("GOODMAN_BUCKET", ""))
    if options.bucket:
        os.environ["GOODMAN_BUCKET"] = options.bucket
    if not os.environ.get("GOODMAN_BUCKET"):
        os.environ["GOODMAN_BUCKET"] = _only_bucket()


class NoSuchPlace(Exception):
    """It is not clear where to work; the sentence says what to do."""


def _only_bucket() -> str:
    from chalicelib.store import clients

    found = [b["Name"] for b in clients.s3().list_buckets()["Buckets"] if b["Name"].startswith("goodman-live")]
    if len(found) != 1:
        here = f"{', '.join(sorted(found))} are there" if found else "there is no bucket goodman-live… here"
        raise NoSuchPlace(f"Name the frames' bucket with --bucket: {here}.")
    return found[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    from botocore.exceptions import BotoCoreError, ClientError

    options = parser().parse_args(arguments)
    try:
        settle_where(options)
        module = importlib.import_module(f"infra.operate.{COMMANDS[options.command]}")
        return getattr(module, options.command.replace("-", "_"))(options)
    except NoSuchPlace as error:
        print(error, file=sys.stderr)
        return USAGE
    except (BotoCoreError, ClientError) as error:
        print(_sentence(error), file=sys.stderr)
        return REFUSED


def _sentence(error: Exception) -> str:
    """What to do about an error of AWS."""
    from botocore.exceptions import EndpointConnectionError, NoCredentialsError

    if isinstance(error, EndpointConnectionError):
        return f"Nothing answers there. Is the stack up, and the address right? {error}"
    if isinstance(error, NoCredentialsError):
        return "Nobody is logged in to AWS in this shell (AWS_PROFILE), and no --endpoint of a stack was given."
    if "NonExistentQueue" in str(error) or "QueueDoesNotExist" in str(error):
        return f"The queues of Goodman Live are not there. Is this the right account and region? {error}"
    return f"AWS refused: {error}"


COMMANDS = {
    "queues": "depths",
    "redrive": "redrive",
    "retry-failed": "failures",
    "backfill": "bulk",
    "reprocess": "bulk",
    "recount": "recount",
    "purge": "purge",
    "superuser": "people",
}
"""Command → the module of this package that does it."""


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        print("Interrupted; run it again to do the rest.", file=sys.stderr)
        code = INTERRUPTED
    sys.exit(code)
