/** The server's side of one Consume call, as a test wants it to be. */

import assert from "node:assert/strict";

import type { ServerDuplexStream } from "@grpc/grpc-js";

import {
  type ConsumeRequest,
  ConsumeResponse,
  type DeliveryAnswer,
} from "../src/generated/everlog/v1/consumers.js";
import { RecordedEvent } from "../src/generated/everlog/v1/event.js";
import type { Status } from "../src/generated/google/rpc/status.js";
import type { Scripts } from "./scripted-server.js";

type Script = NonNullable<Scripts["consume"]>[number];

/** An event of `order/<id>` at a position. */
export interface Planned {
  readonly position: number;
  readonly order?: string;
  readonly eventType?: string;
  readonly attempt?: number;
}

export class Peer {
  readonly #messages: AsyncIterator<ConsumeRequest>;
  readonly #call: ServerDuplexStream<ConsumeRequest, ConsumeResponse>;
  #answers: DeliveryAnswer[] = [];

  /** The size of each message of answers. */
  readonly sizes: number[] = [];

  /** How often a delivery was said to be in progress, by its id. */
  readonly renewals = new Map<string, number>();

  /** Whether the member has said that it leaves. */
  left = false;

  constructor(
    messages: AsyncIterable<ConsumeRequest>,
    call: ServerDuplexStream<ConsumeRequest, ConsumeResponse>,
  ) {
    this.#messages = messages[Symbol.asyncIterator]();
    this.#call = call;
  }

  send(message: Parameters<typeof ConsumeResponse.fromPartial>[0]): void {
    this.#call.write(ConsumeResponse.fromPartial(message));
  }

  /** Reads the first message, and says that the member has joined. */
  async opens(leaseMs = 30_000): Promise<NonNullable<ConsumeRequest["open"]>> {
    const first = await this.#messages.next();
    assert.ok(!first.done && first.value.open !== undefined);
    const seconds = BigInt(Math.floor(leaseMs / 1000));
    const lease = { seconds, nanos: (leaseMs % 1000) * 1e6 };
    this.send({ opened: { memberId: "m", lease, credit: 100 } });
    return first.value.open;
  }

  /** Delivers events; their delivery ids are `d<position>`, of later attempts `d<position>.<n>`. */
  deliver(...planned: Planned[]): void {
    const deliveries = planned.map(({ position, order = String(position), ...rest }) => ({
      event: RecordedEvent.fromPartial({
        eventId: `id-${position}`,
        position: BigInt(position),
        aggregateType: "order",
        aggregateId: order,
        eventType: rest.eventType ?? "order.created",
      }),
      deliveryId: rest.attempt === undefined ? `d${position}` : `d${position}.${rest.attempt}`,
      attempt: rest.attempt ?? 1,
      replayed: false,
    }));
    this.send({ deliveries });
  }

  settle(deliveryId: string, refusal?: Status): void {
    this.send({ settlements: [{ deliveryId, attempt: 1, refusal }] });
  }

  /** Reads until so many acks and nacks are here, and gives them. */
  async answers(count: number): Promise<DeliveryAnswer[]> {
    while (this.#answers.length < count) {
      await this.reads();
    }
    return this.#answers.splice(0, count);
  }

  /** Reads one message. */
  async reads(): Promise<void> {
    const { done, value } = await this.#messages.next();
    assert.ok(!done, "the member is gone");
    this.left ||= value.leave;
    this.sizes.push(value.answers.length);
    for (const answer of value.answers) {
      if (answer.answer?.$case === "inProgress") {
        const { deliveryId } = answer;
        this.renewals.set(deliveryId, (this.renewals.get(deliveryId) ?? 0) + 1);
      } else {
        this.#answers.push(answer);
      }
    }
  }

  /** Reads until the member leaves. */
  async leaves(): Promise<void> {
    while (!this.left) {
      await this.reads();
    }
  }
}

/** A script for one Consume call. */
export function peer(play: (peer: Peer) => Promise<unknown>): Script {
  return async (messages, call) => {
    await play(new Peer(messages, call));
  };
}

/** Delivers these events, settles every answer, and lets the member leave. */
export function serving(...planned: Planned[]): Script {
  return peer(async (member) => {
    await member.opens();
    member.deliver(...planned);
    for (const { deliveryId } of await member.answers(planned.length)) {
      member.settle(deliveryId);
    }
    await member.leaves();
  });
}
