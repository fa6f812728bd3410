/** A listing of events that fetches its pages by itself. */

import type { QueryRequest, QueryResponse } from "./generated/everlog/v1/event_store.js";
import { RecordedEvent } from "./recorded.js";

/**
 * Events under a filter, page by page. It may be iterated again: that asks the server again.
 *
 * `throughPosition` and `totalSize` are known once the first page is here.
 */
export class Query implements AsyncIterable<RecordedEvent> {
  readonly #fetch: (request: QueryRequest) => Promise<QueryResponse>;
  readonly #request: QueryRequest;
  readonly #limit: number;
  #throughPosition: bigint | undefined;
  #totalSize: bigint | undefined;

  constructor(
    fetch: (request: QueryRequest) => Promise<QueryResponse>,
    request: QueryRequest,
    limit: number,
  ) {
    this.#fetch = fetch;
    this.#request = request;
    this.#limit = limit;
  }

  /** The head when the first page was taken: a subscription after it goes on from there. */
  get throughPosition(): bigint | undefined {
    return this.#throughPosition;
  }

  /** How many events match in all; undefined when not asked for, or too expensive to count. */
  get totalSize(): bigint | undefined {
    return this.#totalSize;
  }

  /** The events one by one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RecordedEvent, void, undefined> {
    for await (const page of this.pages()) {
      yield* page;
    }
  }

  /** Page after page; a page may be empty before the last one. */
  async *pages(): AsyncGenerator<RecordedEvent[], void, undefined> {
    let remaining = this.#limit;
    let pageToken = "";
    while (remaining > 0) {
      const pageSize = Math.min(remaining, this.#request.pageSize);
      const response = await this.#fetch({ ...this.#request, pageSize, pageToken });
      if (pageToken === "") {
        this.#throughPosition = response.throughPosition;
        this.#totalSize = response.totalSize;
      }
      const outcomes = new Map(response.outcomes.map((outcome) => [outcome.eventId, outcome]));
      yield response.events.map((event) => new RecordedEvent(event, outcomes.get(event.eventId)));
      pageToken = response.nextPageToken;
      if (pageToken === "") {
        return;
      }
      remaining -= response.events.length;
    }
  }

  /** All of them at once: bound them by `limit` when the log is long. */
  async toArray(): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const page of this.pages()) {
      events.push(...page);
    }
    return events;
  }
}
