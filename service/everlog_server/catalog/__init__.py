"""The catalogue of event types: what a tenant has said of them, and judging events by it.

It imports none of its modules: `definitions` is also used by the command line, offline, which has
no use for storage.
"""
