/** A table by columns: one float32 array a feature, all of the same length. */
export type Columns = readonly Float32Array[];

/** Rows of features with the value to predict for each. */
export type Samples = { readonly columns: Columns; readonly targets: Float64Array };

/**
 * The given rows, in the given order.
 *
 * @param rows - row numbers within `samples`
 */
export function selectRows(samples: Samples, rows: Int32Array): Samples {
  return {
    columns: samples.columns.map((column) => Float32Array.from(rows, (row) => column[row] ?? 0)),
    targets: Float64Array.from(rows, (row) => samples.targets[row] ?? 0),
  };
}
