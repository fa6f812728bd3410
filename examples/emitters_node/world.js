/**
 * A world: people and an agent who talk in chats, and an EventEmitter through which everything goes.
 *
 * It is an application as it was before anything was stored: nothing here knows of everlog.
 */

import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";

const AGENT = "librarian";

export class World {
  emitter = new EventEmitter();

  constructor() {
    this.emitter.on("message", (message) => {
      if (message.sender !== AGENT) {
        void this.#answer(message);
      }
    });
  }

  openChat(chatId) {
    const timestamp = new Date();
    const content = `chat ${chatId} is open`;
    this.emitter.emit("system", { content, timestamp, messageId: randomUUID(), chatId });
  }

  /** Says something in a chat; resolves when the agent is done with it. */
  async say(chatId, sender, content) {
    const message = { content, sender, timestamp: new Date(), messageId: randomUUID(), chatId };
    const idle = new Promise((resolve) => {
      this.emitter.on("world", function listener({ type, about }) {
        if (type === "idle" && about === message.messageId) {
          this.off("world", listener);
          resolve();
        }
      });
    });
    this.emitter.emit("message", message);
    await idle;
  }

  /** One message id serves the whole answer: its stream, its tool calls, and the message in the end. */
  async #answer({ messageId: replyToMessageId, content: path, chatId }) {
    const messageId = randomUUID();
    const stream = (type, more) => {
      this.emitter.emit("sse", { agentName: AGENT, type, messageId, ...more });
    };
    stream("start");
    const content = await this.#describe(path, messageId);
    for (const piece of content.match(/\S+\s*/g)) {
      stream("chunk", { content: piece });
    }
    stream("end", { usage: { outputTokens: content.split(" ").length } });
    const message = { content, sender: AGENT, agentName: AGENT, replyToMessageId };
    this.emitter.emit("message", { ...message, timestamp: new Date(), messageId, chatId });
    this.emitter.emit("world", { type: "idle", about: replyToMessageId, messageId: randomUUID() });
  }

  /** Has a tool read the file. */
  async #describe(path, messageId) {
    const call = { toolName: "count_words", toolCallId: randomUUID(), input: { path } };
    const tell = (type, more) => {
      const toolExecution = { ...call, ...more };
      this.emitter.emit("world", { agentName: AGENT, type, messageId, toolExecution });
    };
    tell("tool-start");
    try {
      const words = (await readFile(path, "utf8")).split(/\s+/).filter(Boolean);
      const result = { words: words.length, different: new Set(words).size };
      tell("tool-result", { result });
      return `${basename(path)} has ${result.words} words, ${result.different} different ones.`;
    } catch (error) {
      // The error as it is: what is emitted in process need not be JSON.
      tell("tool-error", { error });
      return `I could not read ${basename(path)}.`;
    }
  }
}
