import type { Inputs, TableInput } from "../../../service/src/model/onnx-tensors.ts";

const maxListed = 20;

/** A column of the table that is a feature of the model. */
interface Match {
  readonly name: string;
  /** The input for all features, or for this feature only. */
  readonly input: TableInput;
}

/** The features of a model. */
interface Matches {
  /** In the order of the table's columns. */
  readonly features: readonly Match[];
  /** Assumptions that the user should check. */
  readonly notes: readonly string[];
}

/** Joins names for a message, up to a maximum number. */
function listNames(names: readonly string[]): string {
  const listed = names.slice(0, maxListed).join(", ");
  return names.length > maxListed ? `${listed}, … (${names.length} in all)` : listed;
}

/**
 * Finds the column for each of the model's features. If the model has a single input, columns are
 * used in the table's order. If it has one input per feature, columns are matched by name, or by
 * position if no name matches.
 *
 * @param header the names of the table's columns
 * @param target the column that the model predicts
 * @throws {Error} if the columns do not match the model
 */
export function matchInputs(
  inputs: Inputs,
  header: readonly string[],
  target: string | undefined,
): Matches {
  if (target !== undefined && !header.includes(target)) {
    throw new Error(`there is no column ${target}; the columns are ${listNames(header)}`);
  }
  const names = header.filter((name) => name !== target);
  const { pairs, notes } =
    inputs.kind === "table"
      ? matchTable(inputs.table, names, target)
      : matchColumns(inputs.columns, names);
  const features = names.flatMap((name) => {
    const input = pairs.get(name);
    return input === undefined ? [] : [{ name, input }];
  });
  return { features, notes };
}

interface Pairs {
  /** The input of each column. */
  readonly pairs: ReadonlyMap<string, TableInput>;
  readonly notes: readonly string[];
}

function matchTable(
  table: TableInput,
  names: readonly string[],
  target: string | undefined,
): Pairs {
  if (table.columns !== undefined && table.columns !== names.length) {
    const advice =
      target === undefined
        ? "Use --target to name the column that the model predicts, and remove columns that are not inputs"
        : "Remove columns that are not inputs";
    throw new Error(
      `the model's input ${table.name} has ${table.columns} columns, but the table has ${names.length}${target === undefined ? "" : ` without ${target}`}: ${listNames(names)}. ${advice}`,
    );
  }
  return {
    pairs: new Map(names.map((name) => [name, table])),
    notes: [
      `The model's input ${table.name} has no column names. They are assumed to be in the table's order, from ${names[0]} to ${names.at(-1)}.`,
    ],
  };
}

function matchColumns(inputs: readonly TableInput[], names: readonly string[]): Pairs {
  const byName = new Map(names.map((name) => [name, name]));
  const byExportedName = new Map(exportedNames(names).map((name, index) => [name, names[index]]));
  for (const columns of [byName, byExportedName]) {
    if (inputs.every(({ name }) => columns.has(name))) {
      const pairs = new Map(inputs.map((input) => [columns.get(input.name) ?? "", input]));
      const unused = names.filter((name) => !pairs.has(name));
      const notes =
        unused.length > 0
          ? [`The model has no input for these columns: ${listNames(unused)}.`]
          : [];
      return { pairs, notes };
    }
  }
  const missing = inputs.filter(({ name }) => !byName.has(name) && !byExportedName.has(name));
  if (missing.length < inputs.length || inputs.length !== names.length) {
    throw new Error(
      `there is no column for ${missing.length} of the model's ${inputs.length} inputs (${listNames(missing.map(({ name }) => name))}); the columns are ${listNames(names)}`,
    );
  }
  const pairs = new Map(inputs.map((input, index) => [names[index] ?? "", input]));
  const pairing = Array.from(pairs, ([name, input]) => `${input.name} takes ${name}`);
  return {
    pairs,
    notes: [
      `No input has the name of a column, so inputs and columns are matched by position: ${listNames(pairing)}.`,
    ],
  };
}

/**
 * Returns the input names that skl2onnx creates for columns with these names.
 *
 * Source: Topology._generate_unique_name of skl2onnx.
 */
function exportedNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const seed = name.replace(/[^\p{L}\p{N}_+]/gu, "_").replace(/^(?=[0-9])/, "_");
    let unique = seed;
    for (let suffix = 1; taken.has(unique); suffix++) {
      unique = `${seed}${suffix}`;
    }
    taken.add(unique);
    return unique;
  });
}
