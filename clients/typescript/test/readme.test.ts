/** What README.md shows compiles, under the strictest settings. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { PACKAGE } from "./everlog-server.js";

const PRELUDE = `
import { type Client, type Cursor, type NewEvent, Park, type RecordedEvent, Retry, SequenceConflict, Skip } from "@everlog/client";
declare const client: Client;
declare const order: NewEvent, shipment: NewEvent, orders: NewEvent[], events: AsyncIterable<NewEvent>;
declare function project(event: RecordedEvent): Promise<void>;
declare function reprice(event: RecordedEvent, options: { signal: AbortSignal }): Promise<void>;
declare function save(cursor: Cursor): Promise<void>;
`;

test("every example of README.md compiles", { timeout: 60_000 }, async () => {
  const readme = await readFile(join(PACKAGE, "README.md"), "utf8");
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code as string);
  assert.ok(examples.length >= 5, `${examples.length} examples`);
  const folder = join(PACKAGE, "build", "readme");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [n, code] of examples.entries()) {
    const whole = code.includes("import ") ? code : `${PRELUDE}{\n${code}}\nexport {};\n`;
    await writeFile(join(folder, `example-${n + 1}.ts`), whole);
  }
  const settings = {
    extends: "../../tsconfig.json",
    compilerOptions: { noUnusedLocals: false, rootDir: "../.." },
    include: ["*.ts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(settings));
  const tsc = join(PACKAGE, "node_modules", ".bin", "tsc");
  await promisify(execFile)(tsc, ["-p", folder], { cwd: PACKAGE }).catch((error) =>
    assert.fail(error.stdout),
  );
});
