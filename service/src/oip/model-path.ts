import { type Hook, zValidator } from "@hono/zod-validator";
import type { Context } from "hono";
import { z } from "zod";
import { refusal } from "../wire/refusal.ts";
import type { NodeEnvironment } from "../wire/sent-request.ts";

/** Names are sent back in errors, so they must be short. */
const text = z.string().max(255);

const ModelPath = z.object({ name: text, version: text.optional() });

/** The name of a model in a path, and its version if the path has one. */
export type ModelPath = z.infer<typeof ModelPath>;

type PathContext = Context<
  NodeEnvironment,
  string,
  { in: { param: ModelPath }; out: { param: ModelPath } }
>;

const refuse: Hook<ModelPath, NodeEnvironment, string, "param"> = ({ success }) => {
  if (!success) throw refusal(404, "the model is unknown");
};

const validate = zValidator<typeof ModelPath, "param", NodeEnvironment, string, typeof refuse>(
  "param",
  ModelPath,
  refuse,
);

/**
 * Returns the model that a request's path names.
 *
 * @throws {Refusal} 404
 */
export async function modelPathOf(c: PathContext): Promise<ModelPath> {
  await validate(c, async () => {});
  return c.req.valid("param");
}
