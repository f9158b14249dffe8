"""The only code that touches AWS: tables, objects, queues."""
