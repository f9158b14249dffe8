"""Every DynamoDB table, defined once as a PynamoDB model.

The deployment's template and the one-machine stack create tables from these; items are read and written low-level
(:mod:`chalicelib.store.items`), because a model drops the attributes it does not declare.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model

from . import clients


class _Meta:
    billing_mode = PAY_PER_REQUEST_BILLING_MODE
    region = clients.REGION


class DeletedFiles(GlobalSecondaryIndex):
    """Sparse: products somebody deleted and nobody has purged yet, by the day (``yyyymmdd``, UT) of the deletion."""

    class Meta:
        index_name = "deleted"
        projection = KeysOnlyProjection()
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    deleted_on = NumberAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class File(Model):
    """The record of a file: raw or product (design §8), its object, inputs and quality."""

    class Meta(_Meta):
        table_name = clients.table_name("files")

    id = NumberAttribute(hash_key=True)
    deleted_on = NumberAttribute(null=True)
    deleted_index = DeletedFiles()


class Listing(Model):
    """Narrow rows that lists read: night, id, scope ``p`` and facet combination ``c``."""

    class Meta(_Meta):
        table_name = clients.table_name("listing")

    night = NumberAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class ChangedCounts(GlobalSecondaryIndex):
    """All ledger items (``every`` is the same in each) in the order in which they changed last."""

    class Meta:
        index_name = "changed"
        projection = IncludeProjection(["v"])
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    every = UnicodeAttribute(hash_key=True)
    changed = NumberAttribute(range_key=True)


class Ledger(Model):
    """Exact counts per (scope, night): ``n``, ``v`` and one number per facet combination."""

    class Meta(_Meta):
        table_name = clients.table_name("ledger")

    proposal = UnicodeAttribute(hash_key=True)
    night = NumberAttribute(range_key=True)
    every = UnicodeAttribute(null=True)
    changed = NumberAttribute(null=True)
    changed_index = ChangedCounts()


class OpenSubjects(GlobalSecondaryIndex):
    """Sparse: only subjects that are nudged and not yet planned, leased, marked or due a retry."""

    class Meta:
        index_name = "open"
        projection = KeysOnlyProjection()
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    open = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)


class Subject(Model):
    """What is planned: a frame or a pool, with its lease, nudges and the run keys of its stages."""

    class Meta(_Meta):
        table_name = clients.table_name("subjects")

    subject = UnicodeAttribute(hash_key=True)
    open = UnicodeAttribute(null=True)
    open_index = OpenSubjects()


class Configuration(Model):
    """What matching searches: pool members, masters, arcs, under their configuration keys."""

    class Meta(_Meta):
        table_name = clients.table_name("configurations")

    configuration = UnicodeAttribute(hash_key=True)
    member = UnicodeAttribute(range_key=True)


class Interest(Model):
    """Who wants to hear when something with this configuration key appears, improves or goes."""

    class Meta(_Meta):
        table_name = clients.table_name("interests")

    configuration = UnicodeAttribute(hash_key=True)
    interested = UnicodeAttribute(range_key=True)


class Identity(Model):
    """What a file is (sha256, or raw and stage) and the id it has for ever."""

    class Meta(_Meta):
        table_name = clients.table_name("identities")

    identity = UnicodeAttribute(hash_key=True)


class Counter(Model):
    """Atomic counters (``night#20261121`` …) and the facet codes."""

    class Meta(_Meta):
        table_name = clients.table_name("counters")

    counter = UnicodeAttribute(hash_key=True)


class SemesterProposals(GlobalSecondaryIndex):
    """The proposals of a semester, in the order in which they were made."""

    class Meta:
        index_name = "semester"
        projection = IncludeProjection(["soar_id", "scope"])
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    semester = UnicodeAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class Proposal(Model):
    """An observing proposal, by its number; ``soar_id`` is what frames carry as PROPID."""

    class Meta(_Meta):
        table_name = clients.table_name("proposals")

    id = NumberAttribute(hash_key=True)
    semester = UnicodeAttribute(null=True)
    semester_index = SemesterProposals()


class UserProposals(GlobalSecondaryIndex):
    """The proposals a user belongs to."""

    class Meta:
        index_name = "user"
        projection = KeysOnlyProjection()
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    user_id = NumberAttribute(hash_key=True)
    proposal_id = NumberAttribute(range_key=True)


class Membership(Model):
    """Who belongs to which proposal, as PI or collaborator."""

    class Meta(_Meta):
        table_name = clients.table_name("memberships")

    proposal_id = NumberAttribute(hash_key=True)
    user_id = NumberAttribute(range_key=True)
    user_index = UserProposals()


class User(Model):
    """A person; e-mail and user name are reserved as identities."""

    class Meta(_Meta):
        table_name = clients.table_name("users")

    id = NumberAttribute(hash_key=True)


class Token(Model):
    """Sessions and API keys, by the SHA-256 of the token."""

    class Meta(_Meta):
        table_name = clients.table_name("tokens")

    digest = UnicodeAttribute(hash_key=True)


class Comment(Model):
    """What people wrote under a file or a night, in time order."""

    class Meta(_Meta):
        table_name = clients.table_name("comments")

    about = UnicodeAttribute(hash_key=True)
    written = UnicodeAttribute(range_key=True)


class Event(Model):
    """What happened, per scope and night, in time order; written with the state it tells of."""

    class Meta(_Meta):
        table_name = clients.table_name("events")

    scope_night = UnicodeAttribute(hash_key=True)
    moment = UnicodeAttribute(range_key=True)


class Job(Model):
    """What somebody asked for and may ask after; gone a month later by its time to live, ``expires_at``."""

    class Meta(_Meta):
        table_name = clients.table_name("jobs")

    id = UnicodeAttribute(hash_key=True)


MODELS: tuple[type[Model], ...] = (
    File,
    Listing,
    Ledger,
    Subject,
    Configuration,
    Interest,
    Identity,
    Counter,
    Proposal,
    Membership,
    User,
    Token,
    Comment,
    Event,
    Job,
)


def _hash_first(keys: Iterable[Any]) -> list[dict[str, str]]:
    return sorted(keys, key=lambda key: key["KeyType"])


def create_table_arguments(model: type[Model]) -> dict:
    """What ``CreateTable`` (and CloudFormation's ``AWS::DynamoDB::Table``) needs for one model."""
    schema = model._get_schema()
    definitions = {d["AttributeName"]: d for d in schema["attribute_definitions"]}
    arguments = {
        "TableName": model.Meta.table_name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": list(definitions.values()),
        "KeySchema": _hash_first(schema["key_schema"]),
    }
    indexes = [
        {
            "IndexName": index["index_name"],
            "KeySchema": _hash_first(index["key_schema"]),
            "Projection": index["projection"],
        }
        for index in schema["global_secondary_indexes"]
    ]
    return arguments | ({"GlobalSecondaryIndexes": indexes} if indexes else {})


def create_all() -> None:
    """Create every table that does not exist (the one-machine stack and tests; CloudFormation does it in the cloud)."""
    client = clients.dynamodb()
    existing = set(client.list_tables()["TableNames"])
    for model in MODELS:
        arguments = create_table_arguments(model)
        if arguments["TableName"] not in existing:
            client.create_table(**arguments)
