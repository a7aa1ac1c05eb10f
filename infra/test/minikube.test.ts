import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunError } from "@pulumi/pulumi";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { findMinikubeDaemon } from "../minikube.ts";
import { useMinikubeStandIn } from "./minikube-stand-in.ts";

function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "minikube-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

useMinikubeStandIn();

test("the Docker daemon of the profile is found", () => {
  const calls = join(temporaryFolder(), "calls");
  vi.stubEnv("MINIKUBE_CALLS", calls);
  expect(findMinikubeDaemon("some-profile")).toEqual({
    host: "tcp://192.0.2.49:2376",
    certPath: "/home/someone/.minikube/certs",
  });
  expect(readFileSync(calls, "utf8")).toBe("docker-env --shell none -p some-profile\n");
});

test("paths with spaces and equals signs, and line ends of Windows, are read correctly", () => {
  vi.stubEnv(
    "MINIKUBE_OUTPUT",
    "DOCKER_HOST=tcp://127.0.0.1:32770\r\nDOCKER_CERT_PATH=C:\\Users\\A = B\\.minikube\\certs\r\n",
  );
  expect(findMinikubeDaemon("minikube")).toEqual({
    host: "tcp://127.0.0.1:32770",
    certPath: "C:\\Users\\A = B\\.minikube\\certs",
  });
});

describe("errors", () => {
  const start = "Minikube's Docker daemon can't be reached. Start it: minikube start -p minikube\n";

  test("the error says how to start a stopped Minikube", () => {
    vi.stubEnv("MINIKUBE_STATUS", "85");
    const reason = "X Exiting due to GUEST_STATUS: state: unknown state";
    expect(() => findMinikubeDaemon("minikube")).toThrow(new RunError(`${start}${reason}`));
  });

  test("the error says that Minikube is not installed", () => {
    vi.stubEnv("PATH", temporaryFolder());
    const reason = "minikube is not on the PATH.";
    expect(() => findMinikubeDaemon("minikube")).toThrow(new RunError(`${start}${reason}`));
  });

  test("the error says which command to run if Minikube is not executable", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "minikube"), "#!/bin/sh\n");
    chmodSync(join(folder, "minikube"), 0o644);
    vi.stubEnv("PATH", folder);
    expect(() => findMinikubeDaemon("minikube")).toThrow(start);
  });

  test.each(["", "DOCKER_HOST=tcp://192.0.2.49:2376\n", "DOCKER_HOST=\nDOCKER_CERT_PATH=/certs\n"])(
    "the error says how to start Minikube with Docker if it prints no Docker daemon: %j",
    (output) => {
      vi.stubEnv("MINIKUBE_OUTPUT", output);
      expect(() => findMinikubeDaemon("minikube")).toThrow(
        /printed no DOCKER_HOST or DOCKER_CERT_PATH.*minikube start --container-runtime docker$/,
      );
    },
  );
});
