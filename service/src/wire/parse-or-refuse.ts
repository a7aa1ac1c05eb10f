import type { z } from "zod";
import { refusal } from "./refusal.ts";

/** The error of a member in a zod schema: what it must be, or that it is missing. */
export const mustBe = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) =>
    input === undefined ? "is missing" : `must be ${what}`,
});

/**
 * Parses a value from a request.
 *
 * @param place its path in the body, such as `inputs[0]`
 * @throws {Refusal} 400 that names the first invalid member
 */
export function parseOrRefuse<T>(schema: z.ZodType<T>, value: unknown, place = ""): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  const path = (issue?.path ?? [])
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("");
  const member = (place + path).replace(/^\./, "") || "the body";
  throw refusal(400, `${member} ${issue?.message ?? "is invalid"}`);
}
