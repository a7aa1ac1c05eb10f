import { FOLDS, type SizeTrial, type Trial } from "./tuning.ts";

/**
 * What tuning found, as a Markdown page.
 *
 * @param sizes - the reference first
 */
export function formatTuningReport(
  sizes: readonly SizeTrial[],
  others: readonly Trial[],
  ablations: readonly Trial[],
): string {
  const referenceCost = sizes[0]?.microsecondsPerHouse ?? Number.NaN;
  const sizeRows = sizes.map((trial) => [
    trial.trees,
    trial.leavesPerTree,
    trial.shrinkage,
    trial.r2.toFixed(4),
    trial.microsecondsPerHouse.toFixed(2),
    (trial.microsecondsPerHouse / referenceCost).toFixed(2),
  ]);
  return `# Tuning

Written by \`pnpm tune\`. R² is the mean over ${FOLDS} folds of the training rows; the held-out rows
play no part in it. The cost is that of ONNX Runtime on one thread with 1,000 houses at a time, on
the machine that ran it: compare only within the table.

## Size

The first row is a usual size, as a reference. The model takes the cheapest size of the grid whose R²
is within 0.001 of the best; where costs to the reference are equal to two places, the better R²
decides.

${formatTable(
  ["trees", "leaves a tree", "shrinkage", "R²", "µs a house", "cost to reference"],
  sizeRows,
)}

## Other hyper-parameters

The chosen ones, with one change at a time.

${formatTable(["change", "R²"], others.map(trialRow))}

## Derived features

The chosen hyper-parameters without one group of features at a time.

${formatTable(["change", "R²"], ablations.map(trialRow))}
`;
}

function trialRow({ change, r2 }: Trial): readonly string[] {
  return [change, r2.toFixed(4)];
}

function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const widths = header.map((title, column) => {
    return Math.max(title.length, ...rows.map((cells) => String(cells[column]).length));
  });
  const rule = widths.map((width) => "-".repeat(width));
  return [header, rule, ...rows]
    .map((cells) => cells.map((cell, column) => String(cell).padEnd(widths[column] ?? 0)))
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
