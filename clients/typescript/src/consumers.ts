/** How a durable consumer is made: its settings, and where it starts. */

import { type EventFilter, toFilterMessage } from "./filters.js";
import {
  ConsumerSettings_Exhausted,
  ConsumerSettings_Ordering,
  type ConsumerSettings as ConsumerSettingsMessage,
  type CreateConsumerRequest,
} from "./generated/everlog/v1/consumers.js";
import type { Duration } from "./generated/google/protobuf/duration.js";
import type { Integer } from "./integers.js";
import { chosen, type ReadOptions, startOfFollowing, toInt32 } from "./requests.js";
import { wellFormed } from "./texts.js";
import { type Time, toDuration } from "./times.js";

/** How a consumer reads, shares and retries; what is absent has the server's default. */
export interface ConsumerSettings {
  /** Which events are meant; all when absent. */
  readonly filter?: EventFilter;

  /** How long a member has for each delivery, 100 to 3,600,000; 30,000 when absent. */
  readonly leaseMs?: number;

  /** After how many failed attempts an event is parked, 1 to 1,000,000; 10 when absent. */
  readonly attemptsMax?: number;

  /** The waits between attempts: 1 s, each twice as long, at most 5 min, jitter 0.2 when absent. */
  readonly backoff?: {
    readonly initialMs?: number;
    readonly multiplier?: number;
    readonly maxMs?: number;

    /** By how much a wait differs at random, as a part of it, 0 to 1. */
    readonly jitter?: number;
  };

  /** For how long answers may gather before they are stored together, 0 to 60,000; 50 when absent. */
  readonly checkpointIntervalMs?: number;

  /** Whether the events of one aggregate wait for each other; `perAggregate` when absent. */
  readonly ordering?: "perAggregate" | "none";

  /** How many deliveries one member may have unanswered, 1 to 1,000; 100 when absent. */
  readonly inFlightMax?: number;

  /** After an event's last attempt, `park` it, or `block` its aggregate as well; `park` when absent. */
  readonly exhausted?: "park" | "block";
}

/** How a consumer is set, and where it starts: with at most one of the last three. */
export interface CreateConsumerOptions
  extends ConsumerSettings,
    Pick<ReadOptions, "signal" | "timeoutMs"> {
  /** After this position; at the beginning of the log when all are absent. */
  readonly afterPosition?: Integer;

  /** With the first event recorded at this time or later. */
  readonly fromTime?: Time;

  /** With what is recorded from now on. */
  readonly fromNow?: boolean;
}

const ORDERINGS = {
  perAggregate: ConsumerSettings_Ordering.PER_AGGREGATE,
  none: ConsumerSettings_Ordering.NONE,
};
const EXHAUSTED = {
  park: ConsumerSettings_Exhausted.PARK,
  block: ConsumerSettings_Exhausted.BLOCK,
};

/** Asks to create a consumer. Throws TypeError or RangeError, naming the setting. */
export function createConsumerRequest(
  name: string,
  options: CreateConsumerOptions,
): CreateConsumerRequest {
  const start = startOfFollowing(options, false);
  return {
    name: wellFormed(name, "the consumer's name"),
    settings: toSettingsMessage(options),
    start: start as CreateConsumerRequest["start"],
  };
}

function toSettingsMessage(settings: ConsumerSettings): ConsumerSettingsMessage {
  const { backoff, ordering = "perAggregate", exhausted = "park" } = settings;
  return {
    filter: toFilterMessage(settings.filter),
    lease: span(settings.leaseMs, "leaseMs"),
    attemptsMax: toInt32(settings.attemptsMax ?? 0, "attemptsMax"),
    backoff: backoff && {
      initial: span(backoff.initialMs, "backoff.initialMs"),
      multiplier: backoff.multiplier ?? 0,
      max: span(backoff.maxMs, "backoff.maxMs"),
      jitter: backoff.jitter,
    },
    checkpointInterval: span(settings.checkpointIntervalMs, "checkpointIntervalMs"),
    ordering: chosen(ORDERINGS, ordering, "ordering"),
    inFlightMax: toInt32(settings.inFlightMax ?? 0, "inFlightMax"),
    exhausted: chosen(EXHAUSTED, exhausted, "exhausted"),
  };
}

function span(milliseconds: number | undefined, name: string): Duration | undefined {
  if (milliseconds !== undefined && !(milliseconds >= 0 && Number.isFinite(milliseconds))) {
    throw new RangeError(`${name} is ${milliseconds}, expected milliseconds from 0`);
  }
  return milliseconds === undefined ? undefined : toDuration(milliseconds);
}
