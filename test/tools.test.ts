import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { fitting, machine, root } from "./machine.ts";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const { dependencies } = JSON.parse(readFileSync(join(root, "infra/package.json"), "utf8"));
const pin: string = dependencies["@pulumi/pulumi"];
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Serves a Pulumi release with the file names and contents of a real one. */
async function release(folder: string, platform: string, digest?: string) {
  const name = `pulumi-v${pin}-${platform}.tar.gz`;
  mkdirSync(join(folder, "pulumi"), { recursive: true });
  const binary = `#!/usr/bin/env bash\necho "v${pin}"\n`;
  writeFileSync(join(folder, "pulumi/pulumi"), binary, { mode: 0o755 });
  const archive = execFileSync("tar", ["-cz", "-C", folder, "pulumi"]);
  const sums = `${"0".repeat(64)}  pulumi-v${pin}-plan9-x64.tar.gz\n${digest ?? sha256(archive)}  ${name}\n`;
  const files: Record<string, Uint8Array | string> = {
    [`/v${pin}/${name}`]: archive,
    [`/v${pin}/pulumi-${pin}-checksums.txt`]: sums,
  };
  const requested: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    requested.push(url);
    response.writeHead(files[url] === undefined ? 404 : 200).end(files[url]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { requested, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const bare = { ...fitting, real: ["curl", "gzip"] };

describe("tools", () => {
  test.each([
    ["Linux x86_64", "linux-x64"],
    ["Linux aarch64", "linux-arm64"],
    ["Darwin arm64", "darwin-arm64"],
  ])("run.sh tools on %s downloads the pinned Pulumi for %s once", async (on, platform) => {
    const host = machine({ ...bare, platform: on });
    const { url, requested } = await release(join(host.home, "release"), platform);
    const env = { PULUMI_RELEASES: url };

    const { status, stdout, stderr } = await host.run(["tools"], { env });

    expect(status).toBe(0);
    expect(stderr).toBe(requested.map((path) => `Downloading ${url}${path}\n`).join(""));
    expect(stdout).toContain(`Pulumi ${pin} is in ${host.checkout}/.tools/pulumi@${pin}`);
    const home = join(host.checkout, `.tools/pulumi@${pin}`);
    expect(execFileSync(join(home, "pulumi/pulumi"), { encoding: "utf8" })).toBe(`v${pin}\n`);

    expect((await host.run(["tools"], { env })).stdout).toContain("is already in");
    expect(requested).toHaveLength(2);
  });

  test.each([
    ["another checksum", "1".repeat(64), `but the release lists ${"1".repeat(64)}.`],
    ["no checksum", "", "The release lists no checksum for pulumi-v"],
  ])(
    "run.sh tools does not install an archive if the release lists %s",
    async (_, digest, reason) => {
      const host = machine(bare);
      const { url } = await release(join(host.home, "release"), "linux-x64", digest);

      const { status, stderr } = await host.run(["tools"], { env: { PULUMI_RELEASES: url } });

      expect(status).toBe(1);
      expect(stderr).toContain(reason);
      expect(readdirSync(join(host.checkout, ".tools"))).toEqual([]);
    },
  );

  test("run.sh tools reports why a download failed", async () => {
    const host = machine({ ...bare, platform: "Linux aarch64" });
    const { url } = await release(join(host.home, "release"), "linux-x64");

    const { status, stderr } = await host.run(["tools"], { env: { PULUMI_RELEASES: url } });

    expect(status).toBe(1);
    expect(stderr).toContain("404");
    expect(readdirSync(join(host.checkout, ".tools"))).toEqual([]);
  });

  test("run.sh tools reports a platform without a Pulumi release", async () => {
    const { status, stderr } = await machine({ ...bare, platform: "Plan9 mips" }).run(["tools"]);

    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: "Pulumi has no release for Plan9 mips.\n",
    });
  });
});

describe("prerequisites", () => {
  const service = serviceForAll();

  test.each([[[]], [["up"]], [["down"]], [["status"]]])(
    "missing prerequisites are listed together, with their purpose and how to install them (%j)",
    async (args) => {
      const host = minikubeMachine(service, {
        ...{ node: null, npm: false, standIns: ["docker"], real: [] },
      });

      const { status, stderr } = await host.run(args);

      expect(status).toBe(3);
      expect(stderr).toContain("Missing on this machine:\n");
      for (const tool of ["minikube", "kubectl", "pulumi", "curl", "node"]) {
        expect(stderr).toMatch(new RegExp(`^  ${tool} .*\\n +Linux: .+\\n +macOS: .+`, "m"));
      }
      expect(stderr).not.toContain("docker  ");
      expect(host.calls()).toEqual([]);
      expect(existsSync(host.state(""))).toBe(false);
    },
  );

  test("a Pulumi version other than the pinned one is used and reported", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env: { PULUMI_VERSION: "3.200.0" } });

    expect(status).toBe(0);
    expect(stdout).toContain(`pulumi is v3.200.0; the stack was written for v${pin}`);
  });

  test("a downloaded Pulumi is used instead of an installed one", async () => {
    const host = minikubeMachine(service, { real: ["curl", "gzip"] });
    const { url } = await release(join(host.home, "release"), "linux-x64");
    await host.run(["tools"], { env: { PULUMI_RELEASES: url } });

    const { stdout } = await host.run(["status"], { env: { PULUMI_VERSION: "3.200.0" } });

    expect(stdout).not.toContain("v3.200.0");
  });
});
