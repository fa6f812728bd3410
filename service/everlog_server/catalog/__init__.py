"""The catalogue of event types: what a tenant has said of them, and judging events by it."""

from everlog_server.catalog.catalogs import Catalogs, Followed
from everlog_server.catalog.catalogue import OPEN, Catalogue, Judgement

__all__ = ["OPEN", "Catalogs", "Catalogue", "Followed", "Judgement"]
