"""Stories: an event's workflow, told in Markdown by a template or by a language model.

Reads nothing and writes nothing: it is handed a `Story`, and gives text.
"""

from everlog_server.narratives.narrators import Narrators, Told
from everlog_server.narratives.story import Link, Step, Story

__all__ = ["Link", "Narrators", "Step", "Story", "Told"]
