"""Durable consumers: slots of a log's events, shared by members of all servers."""

from everlog_server.consumers.consumers import Consumers
from everlog_server.consumers.counts import ConsumersSnapshot
from everlog_server.consumers.member import Member
from everlog_server.consumers.policy import Backoff, Clock, Policy

__all__ = ["Backoff", "Clock", "Consumers", "ConsumersSnapshot", "Member", "Policy"]
