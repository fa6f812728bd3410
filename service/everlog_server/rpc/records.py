"""What the sequencer must know of the wire: it is handed this, and imports nothing of it."""

from __future__ import annotations

from everlog_server.append import Codec
from everlog_server.rpc.codec import frame_events, frame_known_receipt
from everlog_server.rpc.decoding import fingerprint_of_record

CODEC = Codec(frame_events, frame_known_receipt, fingerprint_of_record)
