"""What the observatory's staff do by hand: look at the queues, redrive, retry, backfill, reprocess, recount, purge."""
