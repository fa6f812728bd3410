"""The sequencer: queue → judge → commit → answer."""

from everlog_server.append.flights import Caller
from everlog_server.append.judging import Codec, Outcome
from everlog_server.append.sequencer import Sequencer
from everlog_server.append.sequencers import Sequencers

__all__ = ["Caller", "Codec", "Outcome", "Sequencer", "Sequencers"]
