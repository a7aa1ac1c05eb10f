import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";
import { testInTerminal } from "./terminal.ts";

const service = serviceForAll();

// Recorded from the Pulumi CLI, without a terminal and with --suppress-progress.
const folder = join(import.meta.dirname, "pulumi-output");
const recorded = (name: string) => readFileSync(join(folder, `${name}.txt`), "utf8").split("\n");

const rowPattern = /^ .. (\S+:\S+:\S+ \S+) (.*?) *$/;
const isRow = (line: string) => rowPattern.test(line);

/** Returns each printed resource with its state. */
const rows = (lines: readonly string[]) =>
  lines.flatMap((line) => {
    const [, resource = "", state = ""] = rowPattern.exec(line) ?? [];
    return resource === "" ? [] : `${resource.replace(/^.*:/, "")}: ${state.trim()}`;
  });

/** Returns what run.sh prints for this output of Pulumi. */
async function printed(name: string): Promise<string[]> {
  const host = minikubeMachine(service);
  const { stdout } = await host.run(["up", "--port-forward"], {
    env: { PULUMI_OUTPUT: join(folder, `${name}.txt`) },
  });
  const [, step = ""] = stdout.split(/^\[5\/10\].*\n/m);
  const [output = ""] = step.split(/^ +passed, /m);
  return output.split("\n");
}

const resultsByFile: Record<string, string[]> = {
  create: [
    "Group group: creating (0s)",
    "Resource cache: created (1s)",
    "Resource api: created (1s)",
    "Stack t-dev: created (4s) 1 warning",
  ],
  change: [
    "Group group: ",
    "Resource cache: updated (0.00s) [diff: ~version]",
    "Resource api: replaced (0.00s) [diff: ~zone]",
    "Stack t-dev: 1 warning",
  ],
  unchanged: ["Group group: ", "Resource cache: ", "Resource api: ", "Stack t-dev: 1 warning"],
  failure: [
    "Group group: ",
    "Resource cache: ",
    "Resource api: ",
    "Resource autoscaler: **creating failed** error: the node is full",
    "Stack t-dev: **failed** 1 error; 1 warning",
    // A line of the error's message.
    "Resource autoscaler: needs 2 cores",
  ],
  interrupted: [
    "Group group: creating (0s)",
    "Resource cache: created (1s)",
    "Resource api: created (1s)",
    "Stack t-dev: **creating failed (13s)** 1 error; 1 warning",
    "Resource autoscaler: creating (interrupted)",
  ],
  destroy: [
    "Resource api: deleted (1s)",
    "Resource cache: deleted (1s)",
    "Group group: deleting (0s)",
    "Stack t-dev: deleted (0.00s)",
  ],
};

test("every recorded output is tested", () => {
  expect(readdirSync(folder).toSorted()).toEqual(
    Object.keys(resultsByFile)
      .map((name) => `${name}.txt`)
      .toSorted(),
  );
});

test.each(Object.entries(resultsByFile))(
  "without a terminal, Pulumi's output has one row per resource and all other lines: %s",
  async (name, results) => {
    const all = recorded(name);
    const other = (lines: string[]) => lines.filter((line) => line !== "" && !isRow(line));

    const lines = await printed(name);

    expect(rows(all).length).toBeGreaterThan(results.length);
    expect(rows(lines)).toEqual(results);
    expect(other(lines)).toEqual(other(all));
  },
);

testInTerminal("in a terminal, Pulumi's output is not changed", async () => {
  const host = minikubeMachine(service);

  const { stdout } = await host.run(["up", "--port-forward"], {
    env: { PULUMI_OUTPUT: join(folder, "create.txt") },
    terminal: true,
  });

  expect(stdout.replaceAll("\r", "")).toContain(recorded("create").join("\n"));
  expect(host.calls().find((call) => call.startsWith("pulumi up"))).not.toContain("progress");
});
