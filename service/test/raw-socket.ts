import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Opens a connection to a port. */
export async function rawSocket(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Reads everything until the other side ends the connection. */
export async function readAll(socket: Socket): Promise<string> {
  return Buffer.concat(await socket.toArray()).toString("latin1");
}

/** Sends each character as one byte, and reads the whole reply. */
export async function exchange(port: number, text: string): Promise<string> {
  const socket = await rawSocket(port);
  socket.write(text, "latin1");
  return readAll(socket);
}

/** A raw HTTP response, parsed. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Splits the bytes of a connection into responses, which must all have a `Content-Length`. */
export function parseResponses(text: string): RawResponse[] {
  const responses: RawResponse[] = [];
  let rest = text;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    const [statusLine = "", ...lines] = rest.slice(0, end).split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(":")).toLowerCase(),
        line.slice(line.indexOf(":") + 2),
      ]),
    );
    const bodyStart = end + 4;
    const bodyEnd = bodyStart + Number(headers["content-length"]);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
    responses.push({ status, headers, body: rest.slice(bodyStart, bodyEnd) });
    if (end === -1 || Number.isNaN(bodyEnd)) break;
    rest = rest.slice(bodyEnd);
  }
  return responses;
}
