import type { Inputs, TableInput } from "../../../service/src/model/onnx-tensors.ts";

const MAX_LISTED = 20;

/** A column of the table that is a feature of the model. */
type Match = {
  readonly name: string;
  /** What takes it: a table of all features, or an input of its own. */
  readonly input: TableInput;
};

/** The features of a model. */
type Matches = {
  /** In the table's order. */
  readonly features: readonly Match[];
  /** What a person should check. */
  readonly notes: readonly string[];
};

/** Names, but not hundreds of them. */
export function listNames(names: readonly string[]): string {
  const listed = names.slice(0, MAX_LISTED).join(", ");
  return names.length > MAX_LISTED ? `${listed}, … (${names.length} in all)` : listed;
}

/**
 * Finds the column of each of the model's features. A model with one input for all takes the columns
 * in the table's order; one with an input for each takes them by name, or by position if no name is
 * known.
 *
 * @param header - the names of the table's columns
 * @param target - the column that the model predicts
 * @throws Error saying how the columns and the model differ
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

type Pairs = {
  /** The input of each column. */
  readonly pairs: ReadonlyMap<string, TableInput>;
  readonly notes: readonly string[];
};

function matchTable(
  table: TableInput,
  names: readonly string[],
  target: string | undefined,
): Pairs {
  if (table.columns !== undefined && table.columns !== names.length) {
    const advice =
      target === undefined
        ? "Name the column that the model predicts by --target, and remove columns that it does not take"
        : "Remove columns that it does not take";
    throw new Error(
      `the model's input ${table.name} has ${table.columns} columns, and the table has ${names.length}${target === undefined ? "" : ` without ${target}`}: ${listNames(names)}. ${advice}`,
    );
  }
  return {
    pairs: new Map(names.map((name) => [name, table])),
    notes: [
      `The model's input ${table.name} has no names: its columns are taken to be in the table's order, from ${names[0]} to ${names.at(-1)}.`,
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
      `No input has the name of a column, so they are matched by position: ${listNames(pairing)}.`,
    ],
  };
}

/**
 * The names that skl2onnx gives the inputs for columns of these names.
 *
 * Source: Topology._generate_unique_name of skl2onnx.
 */
function exportedNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const seed = name.replace(/[^\p{L}\p{N}_+]/gu, "_").replace(/^(?=[0-9])/, "_");
    let unique = seed;
    for (let suffix = 1; taken.has(unique); suffix += 1) {
      unique = `${seed}${suffix}`;
    }
    taken.add(unique);
    return unique;
  });
}
