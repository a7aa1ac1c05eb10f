import { type Samples, selectRows } from "./columns.ts";

/** A part of the samples, and the others. */
export interface Fold {
  /** The row numbers of the part. */
  readonly rows: Int32Array;
  readonly part: Samples;
  readonly others: Samples;
}

/**
 * Divides samples into consecutive parts of about the same size.
 *
 * @param samples rows in random order
 * @param count the number of parts, at least 2
 */
export function foldsOf(samples: Samples, count: number): readonly Fold[] {
  const all = Int32Array.from(samples.targets.keys());
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor((all.length * index) / count);
    const end = Math.floor((all.length * (index + 1)) / count);
    const rows = all.subarray(start, end);
    const others = all.filter((row) => row < start || row >= end);
    return { rows, part: selectRows(samples, rows), others: selectRows(samples, others) };
  });
}
