import { z } from "zod";

/** Where the training rows of a model are, as squares of a grid. */
export const Locations = z.strictObject({
  /** The names of the two features. */
  latitude: z.string(),
  longitude: z.string(),
  /** The side of a square, in degrees. */
  cellDegrees: z.number().positive(),
  /** The south-west corner of each square in degrees, the mean of the target, and the number of rows. */
  cells: z
    .array(
      z.tuple([
        z.number().min(-90).max(90),
        z.number().min(-180).max(180),
        z.number(),
        z.int().positive(),
      ]),
    )
    .min(1),
});

export type Locations = z.infer<typeof Locations>;

/** Returns the path of a model's locations, which are next to the model. */
export function locationsPathOf(modelPath: string): string {
  return modelPath.replace(/\.onnx$/, ".locations.json");
}
