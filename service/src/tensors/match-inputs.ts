import type { Feature } from "../records/schema.ts";
import { type Refusal, refusal } from "../wire/refusal.ts";
import type { InputTensor } from "./inference-header.ts";
import type { Datatype, Signature } from "./signature.ts";

/** What the inputs of a request are matched with. */
export interface TensorSchema {
  /** In the order of the matrix's columns. */
  readonly features: readonly Feature[];
  readonly signature: Signature;
}

/** An input whose name, type and shape fit the model. */
export interface MatchedInput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly rows: number;
  /** The matrix column of each of its columns. */
  readonly columns: readonly number[];
}

/** The types that a feature of each type can be sent as. */
const accepts: Readonly<Record<Feature["type"], readonly Datatype[]>> = {
  number: ["FP32", "FP64", "INT64", "INT32"],
  integer: ["FP32", "FP64", "INT64", "INT32"],
  boolean: ["BOOL", "FP32", "FP64", "INT64", "INT32"],
  category: ["BYTES", "FP32", "FP64", "INT64", "INT32"],
};

const quote = (text: string) => JSON.stringify(text);

function fault(name: string, message: string): Refusal {
  return refusal(400, `input ${quote(name)} ${message}`);
}

/**
 * Creates a function that matches the inputs of a request with the model: one input with all
 * features, or one per feature, in any order.
 *
 * @param maxRows the maximum number of rows
 */
export function createMatcher({ features, signature }: TensorSchema, maxRows: number) {
  const { kind, inputs } = signature;
  const table = kind === "table" ? inputs[0] : undefined;
  const names = table ? features.map(({ name }) => name) : inputs.map(({ name }) => name);
  const columnOf = new Map(names.map((name, column) => [name, column]));
  const everyColumn = features.map((_, column) => column);
  const perFeature = `one input per feature, which are ${names.map(quote).join(", ")}`;
  const allowed = table ? `${quote(table.name)} with all features, or ${perFeature}` : perFeature;

  function columnsOf(name: string, isOnly: boolean): readonly number[] {
    if (isOnly && name === table?.name) return everyColumn;
    const column = columnOf.get(name);
    if (column === undefined) throw fault(name, `is unknown. Allowed: ${allowed}`);
    return [column];
  }

  function match({ name, datatype, shape }: InputTensor, isOnly: boolean): MatchedInput {
    const columns = columnsOf(name, isOnly);
    const [rows = 0, width] = shape;
    if (shape.length !== 2 || width !== columns.length) {
      throw fault(name, `has shape [${shape.slice(0, 8)}]; it must be [N, ${columns.length}]`);
    }
    if (rows > maxRows) throw fault(name, `has ${rows} rows; at most ${maxRows} are allowed`);
    for (const column of columns) {
      const feature = features[column];
      if (feature === undefined || accepts[feature.type].includes(datatype)) continue;
      const types = accepts[feature.type].join(", ");
      throw fault(name, `is ${datatype}; feature ${quote(feature.name)} can be ${types}`);
    }
    return { name, datatype, rows, columns };
  }

  /**
   * @returns in the order sent
   * @throws {Refusal} 400 that names the input
   */
  return function matchInputs(sent: readonly InputTensor[]): readonly MatchedInput[] {
    const matched: MatchedInput[] = [];
    const seen = new Set<string>();
    for (const input of sent) {
      if (seen.has(input.name)) throw fault(input.name, "is sent twice");
      seen.add(input.name);
      const one = match(input, sent.length === 1);
      const [first = one] = matched;
      if (one.rows !== first.rows) {
        throw fault(
          one.name,
          `has ${one.rows} rows, and input ${quote(first.name)} has ${first.rows}`,
        );
      }
      matched.push(one);
    }
    const isWhole = matched[0]?.columns === everyColumn;
    const missing = isWhole ? undefined : names.find((name) => !seen.has(name));
    if (missing !== undefined) throw fault(missing, "is missing");
    return matched;
  };
}
