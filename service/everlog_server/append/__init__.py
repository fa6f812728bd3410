"""The sequencer: queue → judge → commit → answer."""

from everlog_server.append.flights import Committed
from everlog_server.append.sequencer import Sequencer
from everlog_server.append.sequencers import Sequencers

__all__ = ["Committed", "Sequencer", "Sequencers"]
