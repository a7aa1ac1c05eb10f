import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { pino } from "pino";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { hasBrowser, launchBrowser } from "../../test/browser.ts";
import { testNeeding } from "../../test/prerequisite.ts";
import { type AccessGroup, accessGroups } from "../src/access/groups.ts";
import { TokenFile } from "../src/access/token-file.ts";
import { Tokens, TokensError } from "../src/access/tokens.ts";
import type { App } from "../src/app.ts";
import { authorized } from "../src/routes/authorize.ts";
import type { Handle } from "../src/routes/exchange.ts";
import { appUnderTest, post, serve, silentLogger } from "./app-under-test.ts";
import { house } from "./house-model.ts";
import { parseResponses, rawSocket, readAll } from "./raw-socket.ts";
import { startService } from "./service-process.ts";

const token = "first-token.of~this+test/0123==";
const other = "another_token_of_this_test";

function protectedApp(groups: readonly AccessGroup[] = ["api"]): App {
  const tokens = new Tokens(`# For the tests\n\n${token}\n${other}\r\n`);
  return appUnderTest({ access: { groups: new Set(groups), tokens } });
}

const predict = (app: App, headers: Record<string, string> = {}) =>
  post(app, "/predict", house, headers);

describe("a request without a valid token", () => {
  test.each([
    ["no Authorization header", undefined],
    ["an empty one", ""],
    ["only the scheme", "Bearer"],
    ["only the scheme and a space", "Bearer "],
    ["only the token", token],
    ["a different scheme", `Basic ${token}`],
    ["a scheme that begins with the right one", `Bearer2 ${token}`],
    ["no space", `Bearer${token}`],
    ["a wrong token", "Bearer wrong-token-of-this-test"],
    ["the start of a token", `Bearer ${token.slice(0, -1)}`],
    ["a token with more at its end", `Bearer ${token}=`],
    ["a token in upper case", `Bearer ${token.toUpperCase()}`],
    ["two tokens", `Bearer ${token} ${other}`],
    ["a comment of the file", "Bearer # For the tests"],
    ["a long text", `Bearer ${"x".repeat(50_000)}`],
  ])("a prediction with %s gets FastAPI's 401", async (_, authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await predict(protectedApp(), headers);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(response.headers.get("x-request-id")).not.toBeNull();
    expect(await response.text()).toBe('{"detail":"Not authenticated"}');
  });

  test.each([
    ["first in the file", `Bearer ${token}`],
    ["second in the file", `Bearer ${other}`],
    ["after a scheme in lower case", `bearer ${token}`],
    ["after a scheme in upper case", `BEARER ${token}`],
    ["between spaces", `Bearer   ${token}  `],
  ])("a token %s is accepted", async (_, authorization) => {
    expect((await predict(protectedApp(), { authorization })).status).toBe(200);
  });

  test("401 is sent before the rest of a large body arrives, and the connection stays usable", async () => {
    const socket = await rawSocket(await serve(protectedApp()));
    const length = 30 * 1024 * 1024;
    socket.write(`POST /bulk_predict HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n{`);
    await once(socket, "readable");
    expect(String(socket.read())).toMatch(/^HTTP\/1\.1 401 /);

    socket.write(Buffer.alloc(length - 1));
    socket.write("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n");
    const [next] = parseResponses(await readAll(socket));
    expect(next?.status).toBe(200);
  });

  test("without a valid token, the memory of a body is freed while it arrives", async () => {
    const socket = await rawSocket(await serve(protectedApp()));
    const megabyte = Buffer.alloc(1_000_000);
    socket.write(`POST /bulk_predict HTTP/1.1\r\nContent-Length: ${60 * megabyte.length}\r\n\r\n`);
    await once(socket, "readable");
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let sent = 0; sent < 50; sent++) {
      if (!socket.write(megabyte)) await once(socket, "drain");
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    socket.destroy();
    expect(most).toBeLessThan(10 * megabyte.length);
  });

  test.each([
    ["an invalid token, which gets 401", other.slice(1), /^HTTP\/1\.1 401 /],
    ["a valid token, which gets 100", token, /^HTTP\/1\.1 100 Continue\r\n\r\n$/],
  ])("a client waits for 100 Continue with %s", async (_, sent, expected) => {
    const socket = await rawSocket(await serve(protectedApp()));
    socket.write(
      `POST /predict HTTP/1.1\r\nAuthorization: Bearer ${sent}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
    );
    await once(socket, "readable");
    expect(String(socket.read())).toMatch(expected);
    socket.destroy();
  });
});

describe("API_TOKENS_FOR", () => {
  const modelPaths = [
    "/v2/models/housing",
    "/v2/models/housing/ready",
    "/v2/models/housing/infer",
    "/v2/models/housing/versions/1",
    "/v2/models/housing/versions/1/ready",
    "/v2/models/housing/versions/1/infer",
    "/v2/repository/index",
    "/v2/repository/models/housing/load",
    "/v2/repository/models/housing/unload",
  ];
  const paths: Readonly<Record<AccessGroup, readonly string[]>> = {
    api: ["/predict", "/bulk_predict", "/hello?name=x", "/v2", ...modelPaths],
    docs: [
      ...["/openapi.json", "/docs", "/docs/start.js", "/docs/swagger-ui.css"],
      ...["/playground", "/playground/main.js", "/playground/model.json"],
    ],
    health: ["/health", "/v2/health/live", "/v2/health/ready"],
    metrics: ["/metrics", "/status"],
  };

  test.each(accessGroups)("API_TOKENS_FOR=%s protects no other endpoints", async (group) => {
    const app = protectedApp([group]);
    for (const [other, members] of Object.entries(paths)) {
      for (const path of members) {
        const method = /predict$|infer$|repository/.test(path) ? "POST" : "GET";
        const responses = [await app.request(path, { method })];
        if (method === "GET") responses.push(await app.request(path, { method: "HEAD" }));
        for (const { status } of responses) {
          if (other === group) expect([path, status]).toEqual([path, 401]);
          else expect([path, status]).not.toEqual([path, 401]);
        }
      }
    }
  });

  test("a request for an unknown path or with a wrong method gets the same response as without tokens", async () => {
    const app = protectedApp(accessGroups);
    expect((await app.request("/nope")).status).toBe(404);
    expect((await app.request("/predict")).status).toBe(405);
    expect((await app.request("/health/")).status).toBe(307);
  });
});

test("without tokens, an endpoint is served by its own handler", () => {
  const handle: Handle = () => ({ status: 200, body: null });
  const endpoint = { method: "GET", path: "/", handle } as const;
  expect(authorized(undefined, endpoint)).toBe(handle);
  const access = { groups: new Set<AccessGroup>(["docs"]), tokens: new Tokens(token) };
  expect(authorized(access, endpoint)).toBe(handle);
});

describe("the text of a token file", () => {
  test.each([
    ["", "found no tokens"],
    ["\n \n# only a comment\n", "found no tokens"],
    ["fifteen-letters", "found an invalid token in line 1"],
    [`${token}\n# comment\nwith a space-in-it`, "found an invalid token in line 3"],
    [`${token} # comment`, "found an invalid token in line 1"],
    ["=in=the=middle=of=it", "found an invalid token in line 1"],
    ["größe-größe-größe", "found an invalid token in line 1"],
    [`Bearer ${token}`, "found an invalid token in line 1"],
    [`${token}\0`, "found an invalid token in line 1"],
  ])("the token file %j is rejected, and the message does not show its text", (text, found) => {
    expect(() => new Tokens(text)).toThrow(TokensError);
    expect(() => new Tokens(text)).toThrow(`${found}; allowed: `);
    for (const line of text.split("\n").filter((line) => line.length > 1)) {
      expect(() => new Tokens(text)).not.toThrow(line);
    }
  });
});

/** A folder as Kubernetes mounts a Secret: `tokens` leads to its file through a link to a folder. */
function mountedSecret(text: string) {
  const folder = mkdtempSync(join(tmpdir(), "tokens-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let version = 0;
  function update(text: string): void {
    version++;
    mkdirSync(join(folder, `..${version}`));
    writeFileSync(join(folder, `..${version}`, "tokens"), text);
    symlinkSync(`..${version}`, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  }
  update(text);
  symlinkSync(join("..data", "tokens"), join(folder, "tokens"));
  const path = join(folder, "tokens");
  return { path, update, remove: () => rmSync(path) };
}

describe("a changed token file", () => {
  const pollIntervalMs = 2_000;

  /**
   * Opens a token file. `poll` lets the time pass until it is read again, and waits for the result.
   */
  async function open(path: string) {
    vi.useFakeTimers({ toFake: ["setInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const lines: { level: number; msg: string }[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const file = await TokenFile.open(path, logger);
    async function poll(hasResult: () => boolean): Promise<void> {
      vi.advanceTimersByTime(pollIntervalMs);
      do await delay(50);
      while (!hasResult());
    }
    return { file, poll, lines };
  }

  test("the tokens of a replaced Secret are valid within two seconds, and the old ones are not", async () => {
    const secret = mountedSecret(token);
    const { file, poll, lines } = await open(secret.path);
    expect([file.has(token), file.has(other)]).toEqual([true, false]);
    secret.update(other);
    await poll(() => file.has(other));
    expect([file.has(token), file.has(other)]).toEqual([false, true]);
    expect(lines).toMatchObject([{ level: 30, tokens: 1, msg: "read the API tokens again" }]);
    expect(JSON.stringify(lines)).not.toContain(other);
  });

  test.each([
    ["is empty", "", "found no tokens"],
    ["has an invalid token", `${other}\nx`, "found an invalid token in line 2"],
  ])(
    "if the token file %s, the old tokens stay valid, and the error is logged once",
    async (_, text, message) => {
      const secret = mountedSecret(token);
      const { file, poll, lines } = await open(secret.path);
      secret.update(text);
      for (let polls = 0; polls < 2; polls++) await poll(() => lines.length > 0);
      expect([file.has(token), file.has(other)]).toEqual([true, false]);
      expect(lines).toMatchObject([{ level: 50, msg: expect.stringContaining(message) }]);
      secret.update(other);
      await poll(() => file.has(other));
      expect(file.has(token)).toBe(false);
    },
  );

  test("if the token file is removed, the old tokens stay valid, and the error is logged once", async () => {
    const secret = mountedSecret(token);
    const { file, poll, lines } = await open(secret.path);
    secret.remove();
    for (let polls = 0; polls < 2; polls++) await poll(() => lines.length > 0);
    expect(file.has(token)).toBe(true);
    expect(lines).toMatchObject([
      { level: 50, msg: expect.stringContaining(`found "${secret.path}", which cannot be read`) },
    ]);
  });

  test("the error for a token file that cannot be opened names the variable and the path", async () => {
    await expect(TokenFile.open("/nowhere/tokens", silentLogger)).rejects.toThrow(
      /^API_TOKENS_FILE: found "\/nowhere\/tokens", which cannot be read \(.*ENOENT.*\); allowed: a file with one token per line$/,
    );
  });
});

describe("the process", () => {
  test("the process exits with status 1 if a token is invalid, and does not show it", async () => {
    const { path } = mountedSecret("too short");
    const service = startService({ API_TOKENS_FILE: path });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toBe(
      `API_TOKENS_FILE: in "${path}" found an invalid token in line 1; allowed: 16 or more letters, digits and -._~+/, and = at the end\n`,
    );
  });

  test("the process requires the tokens of API_TOKENS_FILE, even after the file has changed", async () => {
    const secret = mountedSecret(token);
    const service = startService({ API_TOKENS_FILE: secret.path, API_TOKENS_FOR: "docs,api" });
    const url = `http://127.0.0.1:${await service.port()}`;
    const statusOf = async (path: string, authorization: string) =>
      (await fetch(`${url}${path}`, { headers: { authorization } })).status;
    for (const path of ["/docs", "/hello?name=x"]) {
      expect(await statusOf(path, `Bearer ${other}`)).toBe(401);
      expect(await statusOf(path, `Bearer ${token}`)).toBe(200);
    }
    expect(await statusOf("/health", "")).toBe(200);
    secret.update(other);
    await service.logged("read the API tokens again");
    expect(await statusOf("/docs", `Bearer ${token}`)).toBe(401);
    expect(await statusOf("/docs", `Bearer ${other}`)).toBe(200);
    expect(JSON.stringify(service.log)).not.toMatch(/first-token|another_token/);
  });
});

describe("the OpenAPI document", () => {
  const Document = z.looseObject({
    paths: z.record(z.string(), z.record(z.string(), z.looseObject({}))),
    components: z.looseObject({}),
  });
  const documentOf = async (app: App) =>
    Document.parse(await (await app.request("/openapi.json")).json());

  test("the OpenAPI document declares the scheme for the operations that need a token", async () => {
    const document = await documentOf(protectedApp(["api"]));
    expect(await new Validator().validate(document)).toEqual({ valid: true });
    const scheme = { type: "http", scheme: "bearer" };
    expect(document.components).toMatchObject({ securitySchemes: { HTTPBearer: scheme } });
    const challenge = { "WWW-Authenticate": { schema: { const: "Bearer" } } };
    for (const [path, error] of [
      ["/predict", "HTTPError"],
      ["/bulk_predict", "HTTPError"],
      ["/v2/models/{name}/infer", "ProtocolError"],
    ] as const) {
      const schema = { $ref: `#/components/schemas/${error}` };
      const content = { "application/json": { schema } };
      expect(document.paths[path]).toMatchObject({
        post: {
          security: [{ HTTPBearer: [] }],
          responses: { 401: { headers: challenge, content } },
        },
      });
    }
    expect(document.paths["/health"]).not.toHaveProperty("get.security");
  });

  test("without tokens, the OpenAPI document has no scheme and no 401", async () => {
    const document = JSON.stringify(await documentOf(appUnderTest()));
    expect(document).not.toMatch(/HTTPBearer|"401"|securitySchemes/);
  });

  testNeeding(hasBrowser)(
    "a token entered at the Authorize button of /docs is sent with a prediction",
    async () => {
      const port = await serve(protectedApp());
      const browser = await launchBrowser();
      onTestFinished(() => browser.close());
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${port}/docs`);
      await page.locator("button.authorize").first().click();
      await page.locator(".auth-container input").fill(token);
      await page.locator(".auth-btn-wrapper button.authorize").click();
      await page.locator(".auth-btn-wrapper button.btn-done").click();
      const operation = page.locator("#operations-predictions-predict_predict_post");
      await operation.locator(".opblock-summary-control").click();
      await operation.locator("button.execute").click();
      const answer = operation.locator(".live-responses-table");
      await answer.waitFor();
      expect(await answer.textContent()).toContain(`"prediction": ${Math.fround(house.MedInc)}`);
    },
  );
});
