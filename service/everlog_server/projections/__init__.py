"""Projections: state tables that the log keeps up to date.

`statements` reads the SQL of a definition, `compiling` makes one function of it, `builder` makes
the tables, `projector` fills them.
"""

from everlog_server.projections.builder import Applied, Builder, Change
from everlog_server.projections.definitions import Backoff, Definition, Handler, OnFailure
from everlog_server.projections.projector import Projector

__all__ = [
    "Applied",
    "Backoff",
    "Builder",
    "Change",
    "Definition",
    "Handler",
    "OnFailure",
    "Projector",
]
