/** Points and weights of a weighted sum that is an integral from 0 to 1. */
export interface Quadrature {
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

const tolerance = 1e-15;
const maxIterations = 100;

/**
 * Returns the Gauss-Legendre quadrature with `count` points, which is exact for polynomials of
 * degree `2 count - 1`. The points are the roots of a Legendre polynomial, found by Newton's method.
 */
export function gaussLegendre(count: number): Quadrature {
  const points = new Float64Array(count);
  const weights = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    let root = Math.cos((Math.PI * (index + 0.75)) / (count + 0.5));
    let slope = 0;
    for (let iteration = 0; iteration < maxIterations; iteration++) {
      const [value, previous] = legendre(count, root);
      slope = (count * (previous - root * value)) / (1 - root * root);
      const step = value / slope;
      root -= step;
      if (Math.abs(step) < tolerance) break;
    }
    // From [-1, 1] to [0, 1].
    points[index] = (1 - root) / 2;
    weights[index] = 1 / ((1 - root * root) * slope * slope);
  }
  return { points, weights };
}

/** Returns the Legendre polynomials of a degree and of the degree before it, at `x`. */
function legendre(degree: number, x: number): [value: number, previous: number] {
  let previous = 1;
  let value = x;
  for (let n = 2; n <= degree; n++) {
    [previous, value] = [value, ((2 * n - 1) * x * value - (n - 1) * previous) / n];
  }
  return [value, previous];
}
