import { createServer } from "node:http";
import { constantAnswer } from "./answer.ts";

// Bare node:http: reads the whole body, answers a constant.
const { PORT } = process.env;
const { body, headers } = constantAnswer();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    Buffer.concat(chunks);
    response.writeHead(200, headers).end(body);
  });
});
server.listen(Number(PORT), "127.0.0.1", () => {
  process.stdout.write("listening\n");
});
