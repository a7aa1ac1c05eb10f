import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, release, totalmem } from "node:os";
import { z } from "zod";
import { client } from "./load.ts";

const require = createRequire(import.meta.url);
const Manifest = z.object({ version: z.string() });

const packageVersion = (name: string) => Manifest.parse(require(`${name}/package.json`)).version;

function commandVersion(command: string): string {
  const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? "";
}

const clients = {
  wrk: () => `wrk ${commandVersion("wrk")}`,
  autocannon: () => `autocannon ${packageVersion("autocannon")}`,
} as const;

/** The machine and what ran on it, in a line. */
export function describeMachine(): string {
  const cores = cpus();
  const osRelease = readFileSync("/etc/os-release", "utf8");
  const [, system = ""] = /^PRETTY_NAME="?(.*?)"?$/m.exec(osRelease) ?? [];
  return [
    `${cores[0]?.model}, ${cores.length} cores`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`,
    `${system} on Linux ${release()}`,
    `Node.js ${process.versions.node}`,
    `onnxruntime-node ${packageVersion("onnxruntime-node")}`,
    `Redis ${commandVersion("redis-server")}`,
    clients[client()](),
  ].join(", ");
}
