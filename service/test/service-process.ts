import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { z } from "zod";

export const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

const LogLine = z.looseObject({
  pid: z.number(),
  msg: z.string(),
  requestId: z.string().optional(),
  route: z.string().optional(),
  durationMs: z.number().optional(),
  traceId: z.string().optional(),
  address: z.object({ port: z.number() }).optional(),
});

type LogLine = z.infer<typeof LogLine>;

/** Runs a command as the first process of a PID namespace, as a container does. */
export const asPid1 = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"] as const;

/** Runs the service in its own process, on a free port, until the test ends. */
export function startService(
  environment: Record<string, string> = {},
  wrapper: readonly string[] = [],
) {
  const { PATH } = process.env;
  const [command = "", ...args] = [...wrapper, process.execPath, main];
  const child = spawn(command, args, { env: { PATH, PORT: "0", ...environment } });
  onTestFinished(() => void child.kill("SIGKILL"));
  const log: LogLine[] = [];
  const waiting = new Map<string, (line: LogLine) => void>();
  createInterface(child.stdout).on("line", (text) => {
    const line = LogLine.parse(JSON.parse(text));
    log.push(line);
    waiting.get(line.msg)?.(line);
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // Not "exit", which may be emitted before the end of the log.
  const closed = once(child, "close");
  return {
    log,
    stderr: () => stderr,
    /** Waits for the process to end, and returns its exit status. */
    exitStatus: async (): Promise<unknown> => (await closed)[0],
    /** Sends a signal to the service itself, not to its wrapper. */
    signal(name: NodeJS.Signals): void {
      const { pid = 0 } = child;
      if (wrapper.length === 0) process.kill(pid, name);
      else process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")), name);
    },
    logged(msg: string): Promise<LogLine> {
      const found = log.find((line) => line.msg === msg);
      return found ? Promise.resolve(found) : new Promise((seen) => waiting.set(msg, seen));
    },
    async port(): Promise<number> {
      return (await this.logged("listening")).address?.port ?? 0;
    },
  };
}
