import fc, { type Arbitrary } from "fast-check";
import { house } from "./house-model.ts";

/** A request as it is sent, one character per byte, and what is known about its response. */
interface SentMessage {
  readonly text: string;
  readonly method: string;
  /** The whole response, if it is known. Otherwise it may have any status below 500. */
  readonly expected?: { readonly status: number; readonly body: string };
}

const characters = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => String.fromCharCode(from + index));
const textOf = (units: readonly string[], maxLength: number, minLength = 0) =>
  fc.string({ unit: fc.constantFrom(...units), minLength, maxLength });

const letters = [...characters(0x30, 0x39), ...characters(0x41, 0x5a), ...characters(0x61, 0x7a)];
const tokenText = textOf([...letters, ..."!#$%&'*+-.^_`|~"], 12, 1);
const visible = characters(0x21, 0x7e);
const bytes = textOf(characters(0, 255), 40);
const pathText = textOf(
  visible.filter((character) => character !== "#" && character !== "?"),
  20,
);
const valueText = textOf([...visible, "\t", ...characters(0x80, 0xff)], 20);

const knownPaths = ["/predict", "/bulk_predict", "/hello", "/health", "/docs", "/openapi.json"];
const target = fc.oneof(
  fc.constantFrom(...knownPaths, "/", "*", "/predict/", "//", "/%zz", "/..", "http://host/hello"),
  pathText.map((path) => `/${path}`),
  fc
    .tuple(fc.constantFrom("/hello", "/health/"), pathText)
    .map(([path, query]) => `${path}?${query}`),
);

/** Names that change how a request is read, which no other header may have. */
const framing = /^(content-length|transfer-encoding|connection|expect|upgrade|trailer)$/i;
const anyHeader = fc
  .tuple(
    tokenText.filter((name) => !framing.test(name)),
    fc.constantFrom(":", ": ", ":\t", ":  "),
    valueText,
    fc.constantFrom("", " ", "\t"),
  )
  .map((parts) => parts.join(""));
const knownHeader = fc.constantFrom(
  "Host: a/b c",
  "Host:",
  "Accept-Encoding: gzip",
  "Cache-Control: no-store",
  'Cache-Control: ,,="',
  "Content-Encoding: gzip",
  "Content-Type: application/json",
  "CONTENT-TYPE:application/x+json ; charset=\xff",
  "Expect: patience",
  "Range: bytes=0-0",
  "Upgrade: websocket",
  "X-HTTP-Method-Override: PUT",
  "X-Request-Id: \xe9",
);
const headers = fc.array(fc.oneof(anyHeader, knownHeader), { maxLength: 5 });

const json = JSON.stringify(house);
const content = fc.oneof(
  fc.constantFrom(
    "",
    json,
    `{"houses":[${json},${json}]}`,
    '{"houses":[]}',
    "{",
    "[".repeat(2_000),
  ),
  fc.json(),
  bytes,
  bytes.map((text) => `{"MedInc":"${text}"}`),
);

/** Splits a text at up to eight places. */
const split = (text: string): Arbitrary<string[]> =>
  fc
    .array(fc.nat({ max: text.length }), { maxLength: 8 })
    .map((places) => [...new Set([0, ...places, text.length])].sort((a, b) => a - b))
    .map((places) => places.slice(1).map((end, index) => text.slice(places[index], end)));

const extension = fc.constantFrom("", "", ";a", ";a=b", ';a="b;c"');
const trailer = fc.constantFrom("", "", "X: y\r\n", "A:\r\nB: c\r\n");

/** The body as chunks, in the ways that RFC 9112 allows. */
const chunkedBody = (text: string): Arbitrary<string> =>
  fc.tuple(split(text), fc.nat({ max: 3 }), fc.boolean(), extension, trailer).map((parts) => {
    const [chunks, zeros, isUpper, extension, trailer] = parts;
    const size = ({ length }: string) => {
      const hex = length.toString(16);
      return "0".repeat(zeros) + (isUpper ? hex.toUpperCase() : hex);
    };
    const written = chunks
      .filter((chunk) => chunk !== "")
      .map((chunk) => `${size(chunk)}${extension}\r\n${chunk}\r\n`);
    return `${written.join("")}0${extension}\r\n${trailer}\r\n`;
  });

/** The headers and the text of a body: absent, with its length, or in chunks. */
const framedBody = fc.oneof(
  fc.constant({ header: "", body: "" }),
  content.map((body) => ({ header: `Content-Length: ${body.length}\r\n`, body })),
  content.chain(chunkedBody).map((body) => ({ header: "Transfer-Encoding: chunked\r\n", body })),
);

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"];
const anyRequest: Arbitrary<SentMessage> = fc
  .tuple(fc.constantFrom(...methods), target, headers, framedBody)
  .map(([method, target, headers, { header, body }]) => {
    const lines = [`${method} ${target} HTTP/1.1`, ...headers].join("\r\n");
    return { method, text: `${lines}\r\n${header}\r\n${body}` };
  });

const greeting: Arbitrary<SentMessage> = fc.nat({ max: 1e6 }).map((name) => ({
  method: "GET",
  text: `GET /hello?name=${name} HTTP/1.1\r\n\r\n`,
  expected: { status: 200, body: `{"message":"Hello ${name}"}` },
}));

/** Predictions by a model that predicts the first feature. */
const prediction: Arbitrary<SentMessage> = fc
  .tuple(fc.integer({ min: 1, max: 999 }), fc.boolean(), fc.boolean())
  .chain(([MedInc, isChunked, isExpecting]) => {
    const body = JSON.stringify({ ...house, MedInc });
    const expectation = isExpecting ? "Expect: 100-continue\r\n" : "";
    const start = `POST /predict HTTP/1.1\r\nContent-Type: application/json\r\n${expectation}`;
    const rest = isChunked
      ? chunkedBody(body).map((chunks) => `Transfer-Encoding: chunked\r\n\r\n${chunks}`)
      : fc.constant(`Content-Length: ${body.length}\r\n\r\n${body}`);
    const expected = { status: 200, body: `{"prediction":${MedInc}}` };
    return rest.map((rest) => ({ method: "POST", text: start + rest, expected }));
  });

/** A valid request. The next one on the connection gets its own response. */
const request = fc.oneof(anyRequest, greeting, prediction);

/** Requests that two parsers may read differently, and other invalid requests. */
const ambiguous = fc.constantFrom(
  "POST /predict HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST /predict HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
  "POST /predict HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}",
  "POST /predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
  "POST /predict HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
  "POST /predict HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
  "POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;\r\nx\r\n0;\r\n\r\n",
  "POST /predict HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "GET /hello HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
  "GET /hello HTTP/1.1\r\n : x\r\n\r\n",
  "GET /hello?name=\0 HTTP/1.1\r\n\r\n",
  "GET  /hello HTTP/1.1\r\n\r\n",
  "GET /hello HTTP/1.1 \r\n\r\n",
  "GET /hello HTTP/2.0\r\n\r\n",
  "GET /hello\r\n\r\n",
  "\r\n\r\n\r\nGET /hello HTTP/1.1\r\n\r\n",
  "POST /hello HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\nGET / HTTP",
  "CONNECT host:1 HTTP/1.1\r\n\r\nbytes",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  `GET /${"x".repeat(70_000)} HTTP/1.1\r\n\r\n`,
  `GET /hello HTTP/1.1\r\nX: ${"x".repeat(70_000)}\r\n\r\n`,
  `GET /hello HTTP/1.1\r\n${"X: y\r\n".repeat(2_500)}\r\n`,
  `POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\n \r\n".repeat(3_000)}`,
);

/** Deletes, doubles, replaces or adds some characters of a text. */
const damaged = (text: string): Arbitrary<string> =>
  fc
    .tuple(fc.nat({ max: text.length }), fc.nat({ max: 8 }), fc.nat({ max: 3 }), bytes)
    .map(([at, length, change, other]) => {
      const part = text.slice(at, at + length);
      const replacement = ["", part + part, other.slice(0, part.length), part + other][change];
      return text.slice(0, at) + replacement + text.slice(at + length);
    });

const truncated = (text: string): Arbitrary<string> =>
  fc.nat({ max: text.length }).map((length) => text.slice(0, length));

/** Not `HEAD`: its responses have no body, which only the request shows. */
const requestText = request.filter(({ method }) => method !== "HEAD").map(({ text }) => text);

/** Bytes that may not be a request, or only a part of one. */
const garbage = fc.oneof(
  { weight: 4, arbitrary: requestText.chain(damaged) },
  { weight: 2, arbitrary: requestText.chain(truncated) },
  { weight: 2, arbitrary: ambiguous },
  { weight: 1, arbitrary: ambiguous.chain(damaged) },
  { weight: 1, arbitrary: bytes },
);

/** What a client sends on one connection. */
export interface Conversation {
  readonly requests: readonly SentMessage[];
  /** Sent after the requests. If undefined, the last request closes the connection. */
  readonly garbage: string | undefined;
  /** Where the bytes are split into packets, as a share of their length. */
  readonly splits: readonly number[];
  /** Whether the garbage is sent before there are responses to the requests. */
  readonly isPipelined: boolean;
  /** Whether the client waits for a response to the garbage before it closes its side. */
  readonly isPatient: boolean;
}

export const conversation: Arbitrary<Conversation> = fc.record({
  requests: fc.array(request, { maxLength: 6 }),
  garbage: fc.option(garbage, { nil: undefined, freq: 2 }),
  splits: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
  isPipelined: fc.boolean(),
  isPatient: fc.boolean(),
});
