import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, vi } from "vitest";
import { testNeeding } from "../../test/prerequisite.ts";
import { fc } from "../../test/seeded-fast-check.ts";
import { createRecordReader, type RecordReader } from "../src/records/reader.ts";
import type { RecordSchema } from "../src/records/schema.ts";
import { Refusal } from "../src/wire/refusal.ts";
import { freePort } from "./free-port.ts";
import { anyRecord, schemas } from "./record-arbitraries.ts";

const peer = fileURLToPath(new URL("../../../shared/peer/run.sh", import.meta.url));

/** Starts a FastAPI service that only validates records of a schema. */
async function startPeer(schema: RecordSchema): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "peer-"));
  const card = join(folder, "card.json");
  writeFileSync(card, JSON.stringify(schema));
  const port = await freePort();
  const child = spawn(peer, [String(port)], {
    env: { ...process.env, CARD: card },
    stdio: "ignore",
    detached: true,
  });
  onTestFinished(() => {
    if (child.pid) process.kill(-child.pid, "SIGKILL");
    rmSync(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(`${url}/openapi.json`).then(
      ({ ok }) => ok,
      () => false,
    );
  // The first start on a machine installs the peer's packages.
  await vi.waitUntil(isUp, { timeout: 300_000, interval: 200 });
  return url;
}

function responseOf(read: () => Float32Array): string {
  try {
    read();
    return "200";
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return `${error.status} ${Buffer.from(error.body)}`;
  }
}

async function responseOfPeer(url: string, body: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  return response.status === 200 ? "200" : `${response.status} ${text}`;
}

async function expectSameAnswers(reader: RecordReader, url: string, record: string, list: string) {
  const answers = [
    [
      await responseOfPeer(`${url}/predict`, record),
      responseOf(() => reader.one(Buffer.from(record))),
    ],
    [
      await responseOfPeer(`${url}/bulk_predict`, list),
      responseOf(() => reader.many(Buffer.from(list))),
    ],
  ];
  for (const [theirs, ours] of answers) {
    // FastAPI fails with 500 if it has to echo an infinity or a lone surrogate. This service does
    // not.
    if (theirs?.startsWith("500")) expect(ours).toMatch(/^422/);
    else expect(ours).toBe(theirs);
  }
}

testNeeding(existsSync(peer))(
  "for generated schemas, all responses are those of a FastAPI service with the same schema",
  { timeout: 600_000 },
  async () => {
    for (const schema of fc.sample(schemas, 5)) {
      const url = await startPeer(schema);
      const reader = createRecordReader(schema, 100_000);
      await fc.assert(
        fc.asyncProperty(anyRecord(schema), fc.array(anyRecord(schema)), (record, records) =>
          expectSameAnswers(reader, url, record, `{"items":[${records.join(",")}]}`),
        ),
        { numRuns: 200 },
      );
    }
  },
);
