/**
 * One Consume call: a member's deliveries, its answers, and what became of them.
 *
 *     delivered ──▶ held ──▶ answered ──▶ settled
 *                    └───────────┴──────▶ lost: refused, or the call ended
 *
 * Answers that are given in one turn of the event loop travel together, at most 1,000 in a message.
 */

import type { ClientDuplexStream } from "@grpc/grpc-js";

import { Delivery, type Holder } from "./delivery.js";
import { ConnectionLost, type EverlogError } from "./errors.js";
import type {
  ConsumeRequest,
  ConsumeRequest_Open,
  ConsumeResponse,
  DeliveryAnswer,
} from "./generated/everlog/v1/consumers.js";
import { Responses } from "./responses.js";
import { errorFromStatus } from "./status.js";
import { toMilliseconds } from "./times.js";

const ANSWERS_MAX = 1_000;

export type ConsumeCall = ClientDuplexStream<ConsumeRequest, ConsumeResponse>;

/** How a member behaves. */
export interface MemberSettings {
  /** Keep the leases of what is handed out, too, until it is answered. */
  readonly renews: boolean;

  /** Called with a delivery whose answer, or renewal, does not count, or perhaps does not. */
  readonly onUnsettled: ((delivery: Delivery, error: EverlogError) => void) | undefined;

  /** Called with what that has thrown. */
  readonly onThrown: (thrown: unknown) => void;
}

/** A delivery whose answer is on its way, and who waits for what becomes of it. */
interface Answered {
  readonly delivery: Delivery;
  readonly resolve: (stored: boolean) => void;
}

/** A delivery that has no answer. */
interface Held {
  readonly delivery: Delivery;

  /** When its lease began. */
  since: number;

  /** Renewed by the member; else by whom it was handed out to. */
  kept: boolean;
}

/** A member, from its joining to the end of its call. */
export class Membership implements Holder {
  readonly #call: ConsumeCall;
  readonly #responses: Responses<ConsumeResponse>;
  readonly #settings: MemberSettings;
  readonly #held = new Map<string, Held>();
  readonly #answered = new Map<string, Answered>();
  #answers: DeliveryAnswer[] = [];
  #leave: "no" | "due" | "said" = "no";
  #sendIsDue = false;
  #writing = false;
  #ended = false;
  #works = false;
  #leaseMs = Number.POSITIVE_INFINITY;
  #renewal: NodeJS.Timeout | undefined;
  #settled: () => void = () => {};

  constructor(call: ConsumeCall, open: ConsumeRequest_Open, settings: MemberSettings) {
    this.#call = call;
    this.#responses = new Responses<ConsumeResponse>(call);
    this.#settings = settings;
    this.#write({ open, answers: [], leave: false });
  }

  /** Why the call ended; undefined while it has not, and when the server ended it in peace. */
  get failure(): EverlogError | undefined {
    return this.#responses.failure;
  }

  /** Whether the server has done more than let it in: settled an answer, or sent a heartbeat. */
  get works(): boolean {
    return this.#works;
  }

  /** How many deliveries have no answer. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** What is delivered next, which may be nothing; undefined at the end of the call. */
  async next(silenceMs: number): Promise<Delivery[] | undefined> {
    const response = await this.#responses.next(silenceMs);
    if (response === undefined || this.#ended) {
      this.#end(this.failure ?? new ConnectionLost({ message: "the stream has ended" }));
      return undefined;
    }
    const { opened, deliveries, settlements, heartbeat } = response;
    this.#works ||= settlements.length > 0 || heartbeat !== undefined;
    if (opened?.lease !== undefined) {
      this.#keepLeases(toMilliseconds(opened.lease));
    }
    for (const { deliveryId, refusal } of settlements) {
      this.#settle(deliveryId, refusal && errorFromStatus(refusal));
    }
    const since = performance.now();
    return deliveries.map((message) => {
      const delivery = new Delivery(message, this);
      this.#held.set(delivery.deliveryId, { delivery, since, kept: true });
      return delivery;
    });
  }

  /** Notes that a delivery is handed out, with a lease that is long enough yet. */
  handOut(delivery: Delivery): void {
    const held = this.#held.get(delivery.deliveryId);
    if (held !== undefined && !this.#settings.renews) {
      held.kept = false;
      if (this.#isOld(held)) {
        this.renew(delivery);
      }
    }
  }

  answer(delivery: Delivery, answer: NonNullable<DeliveryAnswer["answer"]>): Promise<boolean> {
    const { deliveryId, attempt, loss } = delivery;
    if (loss !== undefined) {
      this.#tell(delivery, loss);
      return Promise.resolve(false);
    }
    this.#held.delete(deliveryId);
    return new Promise((resolve) => {
      this.#answered.set(deliveryId, { delivery, resolve });
      this.#say({ deliveryId, attempt, answer });
    });
  }

  renew(delivery: Delivery): void {
    const { deliveryId, attempt } = delivery;
    const held = this.#held.get(deliveryId);
    if (held !== undefined) {
      held.since = performance.now();
      this.#say({ deliveryId, attempt, answer: { $case: "inProgress", value: {} } });
    }
  }

  /** Takes no further deliveries: the server ends the call when all that are here are answered. */
  leave(): void {
    if (this.#leave === "no") {
      this.#leave = "due";
      this.#sendSoon();
    }
  }

  /** Resolves when every answer given so far is settled, or the call has ended. */
  async settled(): Promise<void> {
    while (this.#answered.size > 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
    }
  }

  /** Ends the call, for this reason; what is not settled is lost. */
  cancel(reason: EverlogError): void {
    this.#end(reason);
    this.#responses.cancel();
  }

  #settle(deliveryId: string, refusal: EverlogError | undefined): void {
    const answered = this.#answered.get(deliveryId);
    const delivery = answered?.delivery ?? this.#held.get(deliveryId)?.delivery;
    this.#answered.delete(deliveryId);
    if (refusal !== undefined && delivery !== undefined) {
      this.#held.delete(deliveryId);
      delivery.lose(refusal);
      this.#tell(delivery, refusal);
    }
    answered?.resolve(refusal === undefined);
    if (this.#answered.size === 0) {
      this.#settled();
    }
  }

  /** Every third of a lease: what came just before may wait for the next time, and is not late. */
  #keepLeases(leaseMs: number): void {
    this.#leaseMs = leaseMs;
    clearInterval(this.#renewal);
    this.#renewal = setInterval(() => {
      for (const held of this.#held.values()) {
        if (held.kept && this.#isOld(held)) {
          this.renew(held.delivery);
        }
      }
    }, leaseMs / 3);
  }

  #isOld({ since }: Held): boolean {
    return performance.now() - since >= this.#leaseMs / 6;
  }

  #say(answer: DeliveryAnswer): void {
    this.#answers.push(answer);
    this.#sendSoon();
  }

  #sendSoon(): void {
    if (!this.#sendIsDue) {
      this.#sendIsDue = true;
      setImmediate(() => {
        this.#sendIsDue = false;
        this.#send();
      });
    }
  }

  #send(): void {
    if (this.#writing || this.#ended || (this.#answers.length === 0 && this.#leave !== "due")) {
      return; // the end of the writing calls again
    }
    const answers = this.#answers.splice(0, ANSWERS_MAX);
    const leave = this.#leave === "due" && this.#answers.length === 0;
    if (leave) {
      this.#leave = "said";
    }
    this.#write({ open: undefined, answers, leave });
  }

  #write(message: ConsumeRequest): void {
    this.#writing = true;
    this.#call.write(message, () => {
      this.#writing = false;
      this.#send();
    });
  }

  #end(reason: EverlogError): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    clearInterval(this.#renewal);
    for (const { delivery } of this.#held.values()) {
      delivery.lose(reason);
    }
    const answered = [...this.#answered.values()];
    this.#held.clear();
    this.#answered.clear();
    for (const { delivery, resolve } of answered) {
      const message = `whether the answer is stored is unknown: ${reason.message}`;
      const unknown = new ConnectionLost({ message });
      delivery.lose(unknown);
      resolve(false);
      this.#tell(delivery, unknown);
    }
    this.#settled();
  }

  /** Must not stop half-way whoever tells: others wait for what becomes of their answers. */
  #tell(delivery: Delivery, error: EverlogError): void {
    try {
      this.#settings.onUnsettled?.(delivery, error);
    } catch (thrown) {
      this.#settings.onThrown(thrown);
    }
  }
}
