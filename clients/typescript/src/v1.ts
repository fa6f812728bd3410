/** The generated messages and stubs of `everlog.v1`, for calls that the client has no method for. */

export * from "./generated/everlog/v1/admin.js";
export * from "./generated/everlog/v1/aggregates.js";
export * from "./generated/everlog/v1/catalog.js";
export * from "./generated/everlog/v1/consumers.js";
export * from "./generated/everlog/v1/entities.js";
export * from "./generated/everlog/v1/errors.js";
export * from "./generated/everlog/v1/event.js";
export * from "./generated/everlog/v1/event_store.js";
export * from "./generated/everlog/v1/filter.js";
export * from "./generated/everlog/v1/narratives.js";
export * from "./generated/everlog/v1/outcome.js";
export * from "./generated/everlog/v1/projections.js";
