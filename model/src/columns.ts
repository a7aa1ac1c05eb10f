/** A table stored by column: one float32 array per feature, all of the same length. */
export type Columns = readonly Float32Array[];

/** Rows of features, and the value to predict for each row. */
export interface Samples {
  readonly columns: Columns;
  readonly targets: Float64Array;
}

/**
 * Selects rows, in the given order.
 *
 * @param rows row numbers within `samples`
 */
export function selectRows(samples: Samples, rows: Int32Array): Samples {
  return {
    columns: samples.columns.map((column) => Float32Array.from(rows, (row) => column[row] ?? 0)),
    targets: Float64Array.from(rows, (row) => samples.targets[row] ?? 0),
  };
}
