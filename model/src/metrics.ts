/** How accurate predictions are. */
export interface Metrics {
  /** Coefficient of determination: 1 is perfect, 0 is as good as always predicting the mean. */
  readonly r2: number;
  /** Root mean squared error, in the target's unit. */
  readonly rmse: number;
  /** Mean absolute error, in the target's unit. */
  readonly mae: number;
}

/**
 * Computes R², RMSE and MAE.
 *
 * @throws {Error} if there are no targets, or not one prediction per target
 */
export function computeMetrics(
  targets: Float64Array,
  predictions: Float32Array | Float64Array,
): Metrics {
  if (targets.length === 0 || targets.length !== predictions.length) {
    throw new Error(`${predictions.length} predictions for ${targets.length} targets`);
  }
  const rows = targets.length;
  const mean = targets.reduce((sum, target) => sum + target, 0) / rows;
  let squaredError = 0;
  let absoluteError = 0;
  let squaredDeviation = 0;
  for (const [row, target] of targets.entries()) {
    const error = (predictions[row] ?? Number.NaN) - target;
    squaredError += error * error;
    absoluteError += Math.abs(error);
    squaredDeviation += (target - mean) * (target - mean);
  }
  return {
    r2: 1 - squaredError / squaredDeviation,
    rmse: Math.sqrt(squaredError / rows),
    mae: absoluteError / rows,
  };
}

/** Writes the three metrics on one line. */
export function formatMetrics({ r2, rmse, mae }: Metrics): string {
  return `R² ${r2.toFixed(4)}  RMSE ${rmse.toFixed(4)}  MAE ${mae.toFixed(4)}`;
}
