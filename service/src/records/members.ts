import { hash } from "node:crypto";
import { hasEscape, quote, stringContent } from "../json/string.ts";
import { inputAt, unknownField } from "../wire/faults.ts";
import { type Detail, type Location, maxDetails } from "../wire/refusal.ts";

/** Keys up to this length are compared directly, longer ones by their digests. */
const maxComparedBytes = 128;

/**
 * Returns a short string that is the same for equal keys, even if they are escaped differently.
 *
 * @param key the index of the key's opening quote
 * @param keyEnd the index after the key's closing quote
 */
export function keyIdentity(body: Buffer, key: number, keyEnd: number): string {
  if (keyEnd - key - 2 <= maxComparedBytes && !hasEscape(body, key, keyEnd)) {
    return body.toString("latin1", key + 1, keyEnd - 1);
  }
  const { buffer, byteOffset, byteLength } = stringContent(body, key, keyEnd);
  const content = Buffer.from(buffer, byteOffset, byteLength);
  if (byteLength <= maxComparedBytes) return content.toString("latin1");
  return `${byteLength} bytes: ${hash("sha256", content)}`;
}

function isAt(body: Buffer, at: number, bytes: Buffer): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (body[at + index] !== bytes[index]) return false;
  }
  return true;
}

/** The names of an object's known members. */
export class Names {
  readonly #quoted: readonly Buffer[];
  readonly #indices: ReadonlyMap<string, number>;

  constructor(names: readonly string[]) {
    this.#quoted = names.map((name) => Buffer.from(JSON.stringify(name)));
    this.#indices = new Map(
      this.#quoted.map((name, index) => [keyIdentity(name, 0, name.length), index]),
    );
  }

  /** Whether a key is the name with this index, written without unnecessary escapes. */
  isUsual(index: number, body: Buffer, key: number, keyEnd: number): boolean {
    const quoted = this.#quoted[index];
    return quoted?.length === keyEnd - key && isAt(body, key, quoted);
  }

  /** Returns the index of a name, -1 for an unknown key. */
  indexOf(identity: string): number {
    return this.#indices.get(identity) ?? -1;
  }
}

/** The unknown members of an object, up to the maximum number in an error response. */
export class UnknownMembers {
  readonly #body: Buffer;
  readonly #members = new Map<string, { readonly key: Uint8Array; value: number }>();

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** Adds a member. A duplicate key keeps its first position and its last value. */
  add(identity: string, key: number, keyEnd: number, value: number): void {
    const known = this.#members.get(identity);
    if (known) known.value = value;
    else if (this.#members.size < maxDetails) {
      this.#members.set(identity, { key: stringContent(this.#body, key, keyEnd), value });
    }
  }

  *details(loc: Location): Generator<Detail> {
    for (const { key, value } of this.#members.values()) {
      yield unknownField([...loc, quote(key)], inputAt(this.#body, value));
    }
  }
}
