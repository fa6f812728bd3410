"""What can be wrong with a history: an error for each guarantee, which is its docstring."""

from __future__ import annotations


class Violation(AssertionError):
    """A guarantee."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.what}. (Guaranteed: {self.__doc__})"


class PositionNotDense(Violation):
    """Positions are 1, 2, 3 … without gaps, in commit order."""


class SequenceNotDense(Violation):
    """Sequences are 1, 2, 3 … within each aggregate, without gaps."""


class RecordTimeWentBack(Violation):
    """`record_time` never decreases along the log."""


class PhantomEvent(Violation):
    """The log has only what was sent."""


class EventChanged(Violation):
    """An event is stored as it was sent: payload, aggregate and key."""


class Duplicated(Violation):
    """What was sent is stored at most once, also when it was sent again with its key."""


class Lost(Violation):
    """A receipt means that the event is durable."""


class ReceiptWrong(Violation):
    """A receipt names the event as it stands in the log."""


class RefusedButStored(Violation):
    """A refused Emit leaves no trace."""


class TornBatch(Violation):
    """An Emit is all or nothing, its events next to each other, in their order."""


class AcknowledgedOutOfOrder(Violation):
    """What was acknowledged before an Emit began stands before it in the log."""


class StreamOutOfOrder(Violation):
    """The Emits of one EmitStream are judged in the order in which they were sent."""


class ExpectationBroken(Violation):
    """Expected sequences are judged against the log at the moment of the append."""


class ConflictUntrue(Violation):
    """A `SEQUENCE_CONFLICT` names the sequences that the log had, and only misses."""


class IdempotencyBroken(Violation):
    """The same key answers with the original receipt, and all but one say `deduplicated`."""


class ReadDisagrees(Violation):
    """Whoever reads an event reads what the log has at its position."""


class ReadIncomplete(Violation):
    """A read has every event of its stretch, once, in its order."""


class StaleAfterAck(Violation):
    """A read sees everything that was acknowledged before it began, and `min_position`."""


class ReadWentBack(Violation):
    """A read sees everything that an earlier one has seen."""


class SubscriberMissed(Violation):
    """A subscriber gets every matching event after its cursor."""


class SubscriberDoubled(Violation):
    """A subscriber gets each event once, also over reconnects."""


class SubscriberOutOfOrder(Violation):
    """A subscriber gets events in position order, and its examined position never goes back."""


class SubscriberSawOther(Violation):
    """A subscriber gets what the log has, and nothing that does not match."""


class SubscriberStuck(Violation):
    """Once all is well again, a subscriber reaches the head."""


class ConsumerLost(Violation):
    """Every event is delivered until somebody has answered for it."""


class ConsumerConfirmedAgain(Violation):
    """An answer that was confirmed is never asked for again."""


class ConsumerOvertaken(Violation):
    """An aggregate's events come in the order of the log, the next once the last is answered."""


class ConsumerHeldTwice(Violation):
    """An aggregate is with one member at a time, and only that member's answer counts."""


class ConsumerMiscounted(Violation):
    """Failed attempts are counted, and survive restarts; nothing else counts as one."""


class ConsumerSawOther(Violation):
    """A delivery has its event as the log has it."""


class ConsumerParkedUntrue(Violation):
    """What is parked is what was parked, and stays so."""


class ConsumerWentBack(Violation):
    """A consumer's checkpoint never goes back, but by a reset."""


class ConsumerStuck(Violation):
    """Once all is well again, a consumer finishes what there is."""


class ProjectionDoubled(Violation):
    """Each event takes effect once."""


class ProjectionMissed(Violation):
    """Each event up to a projection's checkpoint has taken effect."""


class ProjectionAhead(Violation):
    """Effects and checkpoint are one transaction: no effect is of an event after it."""


class ProjectionNotAFold(Violation):
    """The tables are a fold of the log up to the checkpoint, in its order."""


class ProjectionWentBack(Violation):
    """Whoever reads the tables never sees less than before, also while they are rebuilt."""


class ProjectionStuck(Violation):
    """Once all is well again, a projection reaches the head."""


class TenantNotDropped(Violation):
    """Of a dropped tenant nothing is left but its id."""


class ServersDisagree(Violation):
    """All servers of a database have one log."""


class DidNotRecover(Violation):
    """Once all is well again, the service serves."""


class DefectSeen(Violation):
    """No fault makes the service meet a defect of its own."""
