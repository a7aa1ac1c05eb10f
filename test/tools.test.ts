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

/** A release of Pulumi's in a folder of a local server, as the real ones are laid out. */
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
  const asked: string[] = [];
  const server = createServer(({ url = "" }, answer) => {
    asked.push(url);
    answer.writeHead(files[url] === undefined ? 404 : 200).end(files[url]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const bare = { ...fitting, real: ["curl", "gzip"] };

describe("tools", () => {
  test.each([
    ["Linux x86_64", "linux-x64"],
    ["Linux aarch64", "linux-arm64"],
    ["Darwin arm64", "darwin-arm64"],
  ])("on %s fetches the pinned Pulumi for %s, says so, and does it once", async (on, platform) => {
    const host = machine({ ...bare, platform: on });
    const { url, asked } = await release(join(host.home, "release"), platform);
    const env = { PULUMI_RELEASES: url };

    const { status, stdout, stderr } = await host.run(["tools"], { env });

    expect(status).toBe(0);
    expect(stderr).toBe(asked.map((path) => `Fetching ${url}${path}\n`).join(""));
    expect(stdout).toContain(`Pulumi ${pin} is in ${host.checkout}/.tools/pulumi@${pin}`);
    const home = join(host.checkout, `.tools/pulumi@${pin}`);
    expect(execFileSync(join(home, "pulumi/pulumi"), { encoding: "utf8" })).toBe(`v${pin}\n`);

    expect((await host.run(["tools"], { env })).stdout).toContain("is already there");
    expect(asked).toHaveLength(2);
  });

  test.each([
    ["another digest", "1".repeat(64), "is not what the release lists: its SHA-256 is"],
    ["no digest", "", "The release's checksums tell nothing of pulumi-v"],
  ])("keeps nothing of an archive of which the release tells %s", async (_, digest, reason) => {
    const host = machine(bare);
    const { url } = await release(join(host.home, "release"), "linux-x64", digest);

    const { status, stderr } = await host.run(["tools"], { env: { PULUMI_RELEASES: url } });

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(readdirSync(join(host.checkout, ".tools"))).toEqual([]);
  });

  test("tells why an archive could not be fetched", async () => {
    const host = machine({ ...bare, platform: "Linux aarch64" });
    const { url } = await release(join(host.home, "release"), "linux-x64");

    const { status, stderr } = await host.run(["tools"], { env: { PULUMI_RELEASES: url } });

    expect(status).toBe(1);
    expect(stderr).toContain("404");
    expect(readdirSync(join(host.checkout, ".tools"))).toEqual([]);
  });

  test("tells of a platform that Pulumi has no release for", async () => {
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
    "of %j that are missing are told all at once, with what they are for",
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

  test("another Pulumi than the pinned one is used, and said", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env: { PULUMI_VERSION: "3.200.0" } });

    expect(status).toBe(0);
    expect(stdout).toContain(`pulumi is v3.200.0; the stack was made with v${pin}`);
  });

  test("a fetched Pulumi comes before any other", async () => {
    const host = minikubeMachine(service, { real: ["curl", "gzip"] });
    const { url } = await release(join(host.home, "release"), "linux-x64");
    await host.run(["tools"], { env: { PULUMI_RELEASES: url } });

    const { stdout } = await host.run(["status"], { env: { PULUMI_VERSION: "3.200.0" } });

    expect(stdout).not.toContain("v3.200.0");
  });
});
