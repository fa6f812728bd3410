"""What the events of an aggregate add up to: folded by a reducer, or merged."""

from everlog_server.aggregates.reducers import Reducer, reducer_of
from everlog_server.aggregates.states import DefinitionOf, States, StateThen

__all__ = ["DefinitionOf", "Reducer", "StateThen", "States", "reducer_of"]
