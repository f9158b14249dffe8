"""What the block functions log and count. Imported inside them: the API's cold start does not pay for it."""

from __future__ import annotations

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from ..domain.topology import Block

NAME = "goodman-live"

logger = Logger(service=NAME)


def count(block: Block, outcome: str) -> None:
    """Count one outcome of a block as a CloudWatch metric."""
    name = outcome.replace(" ", "_")
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace=NAME) as metric:
        metric.add_dimension(name="block", value=block.name)
    logger.debug("block done", block=block.name, outcome=outcome)


def failed(block: Block, seconds: int) -> None:
    """Log the error being handled; the message is delivered again after ``seconds``."""
    logger.exception("block failed, to be tried again", block=block.name, seconds=seconds)


def swept(found: dict[str, int]) -> None:
    """Log what a sweep found left open: normally nothing."""
    if any(found.values()):
        logger.warning("the sweep found something left open", extra=dict(found))
