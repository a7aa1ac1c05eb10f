import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { commandsOf, fileNameOf, type GuidePart, partsOf } from "../../test/guide.ts";
import { testNeeding } from "../../test/prerequisite.ts";
import { hasPython } from "../../test/python-environment.ts";
import { startService } from "./service-process.ts";

const root = join(import.meta.dirname, "../..");
const parts = partsOf(readFileSync(join(root, "docs/clients.md"), "utf8"));
const constraints = join(import.meta.dirname, "oip/python-packages.txt");
const timeoutMs = 600_000;
const run = promisify(execFile);

const hasNpm = spawnSync("npm", ["--version"]).status === 0;

/** How many requests of each path the proxy rejects before it passes them on. */
const rejections = 2;

/**
 * Runs in front of a service, and rejects the first POST requests of each path like an overloaded
 * service.
 */
async function overloadedProxy(servicePort: number) {
  const times = new Map<string, number[]>();
  const proxy = createServer((incoming, outgoing) => {
    const { method, url: path = "", headers } = incoming;
    const sentAt = times.get(path) ?? [];
    if (method === "POST") times.set(path, [...sentAt, performance.now()]);
    if (method === "POST" && sentAt.length < rejections) {
      incoming.resume();
      outgoing.writeHead(503, { "Retry-After": "1", "Content-Type": "application/json" });
      outgoing.end('{"detail":"Service Unavailable"}');
      return;
    }
    incoming.pipe(
      request({ port: servicePort, method, path, headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 0, response.headers);
        response.pipe(outgoing);
      }),
    );
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { port: (proxy.address() as AddressInfo).port, times };
}

/** Follows a part of the guide. What it installs is kept for the next run. */
async function follow({ title, blocks }: GuidePart): Promise<void> {
  const proxy = await overloadedProxy(await startService().port());
  const folder = join(root, ".tools/clients-guide", title);
  mkdirSync(folder, { recursive: true });
  // Otherwise npm would install into the workspace.
  writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
  const here = (text: string) => text.replaceAll("127.0.0.1:8000", `127.0.0.1:${proxy.port}`);
  // pip splits this variable at spaces, so it can't be the path of a checkout.
  copyFileSync(constraints, join(folder, "constraints.txt"));
  const env = { ...process.env, PIP_CONSTRAINT: "constraints.txt" };

  for (const block of blocks) {
    const name = fileNameOf(block);
    if (name !== undefined) writeFileSync(join(folder, name), here(block.code));
    const commands =
      block.language === "sh" ? [{ command: block.code, output: undefined }] : commandsOf(block);
    for (const { command, output } of commands) {
      const { stdout } = await run("bash", ["-ec", here(command)], { cwd: folder, env });
      if (output !== undefined) expect(stdout.trim()).toBe(output);
    }
  }
  expect(proxy.times.size).toBeGreaterThan(0);
  for (const [path, times] of proxy.times) {
    expect([path, times.length]).toEqual([path, rejections + 1]);
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // Timers can be a little early.
    expect(Math.min(...pauses)).toBeGreaterThan(990);
  }
}

test("the guide has an example for each client library", () => {
  expect(parts.map(({ title }) => title)).toEqual(["TypeScript", "Python", "tritonclient"]);
});

for (const part of parts) {
  const isPresent = part.title === "TypeScript" ? hasNpm : hasPython;
  testNeeding(isPresent)(
    `the example for ${part.title} works as written, and waits as long as Retry-After says`,
    { timeout: timeoutMs },
    () => follow(part),
  );
}
