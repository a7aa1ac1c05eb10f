import { z } from "zod";
import type { CardFeature, ModelCard } from "./card.ts";

type Bounds = Partial<Record<"gt" | "ge" | "lt" | "le", number | undefined>>;

function withinBounds(number: z.ZodNumber, { gt, ge, lt, le }: Bounds): z.ZodNumber {
  let bounded = number;
  if (gt !== undefined) bounded = bounded.gt(gt);
  if (ge !== undefined) bounded = bounded.gte(ge);
  if (lt !== undefined) bounded = bounded.lt(lt);
  if (le !== undefined) bounded = bounded.lte(le);
  return bounded;
}

function valueSchema(feature: CardFeature): z.ZodType {
  switch (feature.type) {
    case "number":
      return withinBounds(z.number(), feature);
    case "integer":
      // Zod would add the bounds of safe integers, which no reader enforces.
      return withinBounds(z.int(), feature).meta({ minimum: feature.ge, maximum: feature.le });
    case "boolean":
      return z.boolean();
    case "category":
      return z.enum(feature.categories);
  }
}

/** The schema of a model's records, for the OpenAPI document and for types. */
export function recordSchema({ features }: ModelCard) {
  const members = features.map((feature) => {
    const { name, title, description, unit, example } = feature;
    const explanation = [description, unit && `Unit: ${unit}`].filter(Boolean).join(". ");
    const schema = valueSchema(feature).meta({
      ...(title && { title }),
      ...(explanation && { description: explanation }),
      examples: [example],
    });
    return [name, schema] as const;
  });
  return z.strictObject(Object.fromEntries(members));
}
