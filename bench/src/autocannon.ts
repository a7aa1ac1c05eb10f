import autocannon from "autocannon";
import type { Load, Measurement } from "./load.ts";
import type { Server } from "./servers.ts";
import { quantile } from "./statistics.ts";

/** Drives a server from this process. */
export async function driveByAutocannon(server: Server, load: Load): Promise<Measurement> {
  const { path, bodies, connections, until } = load;
  const latenciesMs: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  let lastAnswer = start;

  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const options: autocannon.Options = {
      url: `http://127.0.0.1:${server.port}${path}`,
      connections,
      timeout: 60,
      // It looks only so often, in milliseconds, whether all that is counted is answered.
      sampleInt: 20,
      ...("seconds" in until ? { duration: until.seconds } : { amount: until.requests }),
      ...(bodies && {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: bodies.next(),
        setupClient(client) {
          client.setBody(bodies.next());
          client.on("response", () => client.setBody(bodies.next()));
        },
      }),
    };
    const run = autocannon(options, (error, done) => (error ? reject(error) : resolve(done)));
    run.on("response", (_client, _status, _bytes, milliseconds) => {
      latenciesMs.push(milliseconds);
      lastAnswer = performance.now();
    });
  });

  const { user, system } = process.cpuUsage(cpu);
  const seconds = (lastAnswer - start) / 1000;
  return {
    requests: latenciesMs.length,
    seconds,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    faults: result.non2xx + result.errors + result.timeouts,
    clientCores: (user + system) / 1e6 / seconds,
  };
}
