/** A real server for tests: the one at EVERLOG_TEST_ADDRESS, else an ephemeral one of this repository. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const EVERLOG = fileURLToPath(new URL("../../../../.venv/bin/everlog", import.meta.url));
const START_MS = 60_000;

/** Why there is no server to test with, when there is none; with CI=true that is a failure. */
export const missing: string | undefined =
  process.env.EVERLOG_TEST_ADDRESS || existsSync(EVERLOG)
    ? undefined
    : `neither EVERLOG_TEST_ADDRESS nor ${EVERLOG}`;

if (missing !== undefined && process.env.CI === "true") {
  throw new Error(`no server to test with: ${missing}`);
}

/** A server's process, on a port that stays its own over restarts; or one that runs elsewhere. */
export class EverlogServer implements AsyncDisposable {
  readonly address: string;

  /** Whether it may be stopped and started: it is ours. */
  readonly restartable: boolean;

  readonly #folder: string | undefined;
  #process: ChildProcess | undefined;

  private constructor(address: string, folder?: string) {
    this.address = address;
    this.restartable = folder !== undefined;
    this.#folder = folder;
  }

  static async start(): Promise<EverlogServer> {
    const { EVERLOG_TEST_ADDRESS: given } = process.env;
    if (given) {
      return new EverlogServer(given);
    }
    const folder = await mkdtemp(join(tmpdir(), "everlog-ts-"));
    // As root, PostgreSQL runs as another user, who is to get in.
    await chmod(folder, 0o755);
    const server = new EverlogServer(`127.0.0.1:${await freePort()}`, folder);
    await server.serve();
    return server;
  }

  /** Starts it again, on the data that it had. */
  async serve(): Promise<void> {
    const folder = this.#folder as string;
    const ready = join(folder, "ready.json");
    await rm(ready, { force: true });
    const port = this.address.slice(this.address.lastIndexOf(":") + 1);
    const flags = ["--data-dir", join(folder, "data"), "--port", port, "--ready-file", ready];
    const child = spawn(EVERLOG, ["serve", ...flags], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr?.on("data", (chunk) => {
      said = (said + chunk).slice(-8_000);
    });
    this.#process = child;
    const deadline = performance.now() + START_MS;
    while (!existsSync(ready)) {
      if (child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`the server did not start: ${said}`);
      }
      await sleep(50);
    }
    const { address } = JSON.parse(await readFile(ready, "utf8"));
    if (address !== this.address) {
      throw new Error(`it serves at ${address}, expected ${this.address}`);
    }
  }

  /** Stops it, by SIGTERM unless told otherwise, and waits until it has ended. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
    }
  }

  /** Has its process stand still, connections and all, until it is thawed. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.stop();
    if (this.#folder !== undefined) {
      await rm(this.#folder, { recursive: true, force: true });
    }
  }
}

/** This package's own folder. */
export const PACKAGE = dirname(fileURLToPath(new URL("../../package.json", import.meta.url)));

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
