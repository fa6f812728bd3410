"""Subscriptions: tailer → ring → cursors; catch-up, then live."""

from everlog_server.subscriptions.message import SubscriptionMessage
from everlog_server.subscriptions.subscriptions import Subscriptions

__all__ = ["SubscriptionMessage", "Subscriptions"]
