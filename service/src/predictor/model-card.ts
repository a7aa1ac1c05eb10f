import { z } from "zod";

/** What the service needs of the model card that the trainer writes beside the ONNX file. */
export const ModelCard = z.object({
  name: z.string(),
  /** SHA-256 of the ONNX file, in hex. */
  version: z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in hex"),
  features: z.array(z.object({ name: z.string() })),
});

export type ModelCard = z.infer<typeof ModelCard>;
