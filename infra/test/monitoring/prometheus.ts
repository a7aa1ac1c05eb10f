import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { stopper } from "../../../bench/src/server.ts";
import { freePort } from "../../../service/test/free-port.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import { rulesFile } from "./generated-files.ts";

const isInstalled = ["prometheus", "promtool"].every(
  (command) => spawnSync(command, ["--version"]).error === undefined,
);

/** A test that needs `prometheus` and `promtool` on the PATH. */
export const prometheusTest = testNeeding(isInstalled);

const startTimeoutMs = 120_000;

const Labels = z.record(z.string(), z.string());
const Point = z.tuple([z.number(), z.string().transform(Number)]);

const Vector = z.object({ result: z.array(z.object({ metric: Labels, value: Point })) });
const Matrix = z.object({ result: z.array(z.object({ metric: Labels, values: z.array(Point) })) });
const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({ name: z.string(), health: z.string(), state: z.string().optional() }),
      ),
    }),
  ),
});

/** A series of a result: its labels, and its points as seconds since 1970 and value. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number])[];
}

/** A real Prometheus that scrapes one target each second and evaluates the committed rules. */
export class Prometheus implements AsyncDisposable {
  readonly #origin: string;
  readonly #stop: () => Promise<void>;
  readonly #folder: string;

  private constructor(port: number, folder: string) {
    this.#origin = `http://127.0.0.1:${port}`;
    this.#folder = folder;
    const options = [
      `--config.file=${join(folder, "prometheus.json")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const child = spawn("prometheus", [...options, "--log.level=warn"], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    this.#stop = stopper(child);
  }

  /** @param target the port of the service */
  static async start(target: number): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), "prometheus-"));
    const labels = { namespace: "w255" };
    const config = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [rulesFile],
      scrape_configs: [
        {
          job_name: "prediction-service",
          static_configs: [{ targets: [`127.0.0.1:${target}`], labels }],
        },
      ],
    };
    // Prometheus reads YAML, and JSON is YAML.
    writeFileSync(join(folder, "prometheus.json"), JSON.stringify(config));
    const prometheus = new Prometheus(await freePort(), folder);
    await prometheus.#untilReady();
    return prometheus;
  }

  /** Returns the current values of a query, one point for each series. */
  async query(query: string): Promise<Series[]> {
    const { result } = Vector.parse(await this.#ask("query", { query }));
    return result.map(({ metric, value }) => ({ labels: metric, points: [value] }));
  }

  /** Returns the values of a query over a period, in seconds since 1970. */
  async queryRange(
    query: string,
    time: { readonly start: number; readonly end: number; readonly stepSeconds: number },
  ): Promise<Series[]> {
    const { start, end, stepSeconds } = time;
    const range = { query, start: `${start}`, end: `${end}`, step: `${stepSeconds}` };
    const { result } = Matrix.parse(await this.#ask("query_range", range));
    return result.map(({ metric, values }) => ({ labels: metric, points: values }));
  }

  /** Returns the rules and whether they could be evaluated. */
  async rules() {
    const { groups } = Rules.parse(await this.#ask("rules", {}));
    return groups.flatMap(({ rules }) => rules);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    rmSync(this.#folder, { recursive: true });
  }

  async #ask(endpoint: string, parameters: Record<string, string>): Promise<unknown> {
    const response = await fetch(
      `${this.#origin}/api/v1/${endpoint}?${new URLSearchParams(parameters)}`,
    );
    const { data, error } = z
      .object({ data: z.unknown().optional(), error: z.string().optional() })
      .parse(await response.json());
    if (error !== undefined) throw new Error(`${endpoint} ${JSON.stringify(parameters)}: ${error}`);
    return data;
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    for (;;) {
      const response = await fetch(`${this.#origin}/-/ready`).catch(() => undefined);
      await response?.bytes();
      if (response?.ok) return;
      if (Date.now() > deadline) throw new Error("Prometheus does not respond");
      await delay(50);
    }
  }
}
