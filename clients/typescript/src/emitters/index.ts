/**
 * Emitters that persist themselves: what a Node `EventEmitter` emits in process is also stored.
 *
 * Begin with `persistEvents(emitter, client, { world })`; README.md beside this package shows the
 * rest.
 */

export type { Attachment, AttachmentStats, CloseReport, Emitter } from "./attachment.js";
export type { Logger } from "./complaints.js";
export { type PersistOptions, persistEvents } from "./persist.js";
export { type WorldEventsOptions, worldEvents } from "./reading.js";
