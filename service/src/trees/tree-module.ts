import {
  branchesOf,
  type Column,
  type Ensemble,
  type InputColumn,
  operandsOf,
  type Tree,
} from "./column.ts";
import { Lanes, maxLeaves } from "./lanes.ts";
import { Ranks } from "./ranks.ts";
import { StoredColumns } from "./stored-columns.ts";
import { StoredEnsemble } from "./stored-ensemble.ts";
import { Unsupported } from "./unsupported.ts";
import { Walks } from "./walks.ts";
import { type Code, type Local, type WasmFunction, WasmModule } from "./wasm.ts";

/** A WebAssembly module that predicts a block of rows, and the addresses in its memory. */
export interface TreeModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The columns of the matrix that are used. */
  readonly inputs: readonly { readonly index: number; readonly address: number }[];
  /** The addresses of the output's columns. */
  readonly outputs: readonly number[];
}

/** If the code of lanes is longer, the other trees are walked. */
const maxLaneCodeBytes = 4 * 2 ** 20;

const maxMemoryBytes = 256 * 2 ** 20;

/** Writes code that does something with all rows. */
type Step = (code: Code, rows: Local) => void;

/**
 * Writes the module for a model's output. It exports two functions of the number of rows: `few` is
 * faster for few rows, and `many` for many.
 *
 * @throws {Unsupported} if there are no trees, or they are too large
 */
export function writeTreeModule(output: readonly Column[]): TreeModule {
  const { inputs, ensembles, shared } = survey(output);
  if (ensembles.size === 0) throw new Unsupported("the output is not computed by trees");
  const module = new WasmModule();
  const columns = new StoredColumns(module, shared);
  const inputAddresses = Array.from(inputs, (column) => ({
    index: column.index,
    address: columns.reserve(column),
  }));
  const few: Step[] = [];
  const many: Step[] = [];
  for (const ensemble of ensembles) {
    const stored = new StoredEnsemble(module, columns, ensemble);
    const prepare = [
      callWithRows(columns.defineComputation(ensemble.tested)),
      callWithRows(stored.defineStart(module)),
    ];
    const walks = new Walks(module, columns, stored);
    few.push(...prepare, callWithRows(walks.defineAllTrees()));
    many.push(...prepare, ...treeByTree(module, columns, stored, walks));
  }
  const finish = callWithRows(columns.defineComputation(output));
  if (module.memoryBytes > maxMemoryBytes) {
    throw new Unsupported(`it takes ${module.memoryBytes} bytes; the limit is ${maxMemoryBytes}`);
  }
  module.export("few", defineSteps(module, [...few, finish]));
  module.export("many", defineSteps(module, [...many, finish]));
  return {
    bytes: module.encode(),
    inputs: inputAddresses,
    outputs: output.map((column) => columns.addressOf(column)),
  };
}

/** Creates steps that add one tree after the other to the scores of all rows. */
function treeByTree(
  module: WasmModule,
  columns: StoredColumns,
  stored: StoredEnsemble,
  walks: Walks,
): readonly Step[] {
  const { trees } = stored.ensemble;
  const isSmall = ({ root }: Tree) => root.leaves <= maxLeaves;
  const ranks = new Ranks(module, columns, trees.filter(isSmall).flatMap(branchesOf));
  const lanes = new Lanes(module, ranks, stored);
  const walkOne = walks.defineOneTree();
  const step = (tree: Tree): Step =>
    isSmall(tree) && module.codeBytes < maxLaneCodeBytes
      ? callWithRows(lanes.defineTree(tree))
      : (code, rows) => code.i32(walks.addressOf(tree)).get(rows).call(walkOne);
  return [callWithRows(ranks.defineComputation()), ...trees.map(step)];
}

function callWithRows(called: WasmFunction): Step {
  return (code, rows) => code.get(rows).call(called);
}

function defineSteps(module: WasmModule, steps: readonly Step[]): WasmFunction {
  return module.define(["i32"], [], (code, rows) => {
    for (const step of steps) step(code, rows);
  });
}

interface Survey {
  readonly inputs: ReadonlySet<InputColumn>;
  /** Each comes after those that it depends on. */
  readonly ensembles: ReadonlySet<Ensemble>;
  /** The columns that several others are computed from. */
  readonly shared: ReadonlySet<Column>;
}

/** Finds everything that the output is computed from. */
function survey(output: readonly Column[]): Survey {
  const inputs = new Set<InputColumn>();
  const ensembles = new Set<Ensemble>();
  const seen = new Set<Column>();
  const shared = new Set<Column>();
  const visit = (column: Column) => {
    if (seen.has(column)) {
      shared.add(column);
      return;
    }
    seen.add(column);
    if (column.kind === "input") inputs.add(column);
    if (column.kind === "score" && !ensembles.has(column.ensemble)) {
      for (const tested of column.ensemble.tested) visit(tested);
      ensembles.add(column.ensemble);
    }
    for (const operand of operandsOf(column)) visit(operand);
  };
  for (const column of output) visit(column);
  return { inputs, ensembles, shared };
}
