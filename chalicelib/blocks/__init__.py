"""The process blocks: nudge → plan → science → publish."""
