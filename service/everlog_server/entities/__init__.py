"""The knowledge graph: entities that events of different aggregates speak of."""

from everlog_server.entities.graph import EntityGraph
from everlog_server.entities.indexer import EntityIndexer

__all__ = ["EntityGraph", "EntityIndexer"]
