"""The sequencer: queue → judge → commit → answer."""

from everlog_server.append.sequencer import Sequencer
from everlog_server.append.sequencers import Sequencers

__all__ = ["Sequencer", "Sequencers"]
