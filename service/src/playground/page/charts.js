/** @import { Feature } from "./distribution.js" */
import { choicesOf, histogram, sliderRange } from "./distribution.js";
import { styleColor } from "./dom.js";
import { formatDifference, formatQuantity } from "./format.js";

const font = "12px system-ui, sans-serif";

/** @type {Set<uPlot>} */
const charts = new Set();

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) chart.redraw(false);
});

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    for (const chart of charts) {
      if (chart.root.parentElement !== target || contentRect.width === 0) continue;
      chart.setSize({ width: contentRect.width, height: chart.height });
    }
  }
});

/** Parts of a chart that the page does not use. */
export const bare = {
  legend: { show: false },
  cursor: { show: false },
  pxAlign: false,
};

/**
 * Creates a chart that is as wide as its container, and redrawn when the colors change.
 *
 * @param {HTMLElement} container
 * @param {Omit<uPlot.Options, "width">} options
 * @param {uPlot.AlignedData} data
 */
export function createChart(container, options, data) {
  const chart = new uPlot({ ...options, width: container.clientWidth || 300 }, data, container);
  charts.add(chart);
  sizes.observe(container);
  return chart;
}

/** @param {uPlot} chart */
export function removeChart(chart) {
  charts.delete(chart);
  if (chart.root.parentElement !== null) sizes.unobserve(chart.root.parentElement);
  chart.destroy();
}

/** Half the width of a slider's thumb in CSS pixels. */
const thumbRadius = 8;

const distributionHeight = 64;

/**
 * Draws the distribution of a feature in the training rows.
 *
 * @param {HTMLElement} container
 * @param {Feature} feature
 * @returns {((value: number | undefined) => void) | undefined} moves the marker: to a value, or to
 *   the index of a choice. Undefined if the card says nothing about the distribution
 */
export function createDistribution(container, feature) {
  const drawn = isChoice(feature) ? choiceBars(feature) : histogramOf(feature);
  if (drawn === undefined) return undefined;
  const { kind, values, heights, min, max } = drawn;
  /** @type {number | undefined} */
  let marked;

  const barColors = () => {
    const [color, selected] = [styleColor("--bar"), styleColor("--accent")];
    return values.map((value) => (kind === "choices" && value === marked ? selected : color));
  };
  /**
   * Places a value above the slider's thumb.
   *
   * @param {uPlot} chart
   * @returns {[number, number]}
   */
  function xRange({ width }) {
    if (kind === "choices") return [min, max];
    const margin = ((max - min) * thumbRadius) / (width - 2 * thumbRadius);
    return [min - margin, max + margin];
  }

  const bars = uPlot.paths.bars?.({
    size: [0.7, kind === "choices" ? 48 : 2 * thumbRadius],
    radius: 0.1,
    disp: { fill: { unit: 3, values: barColors } },
  });
  const steps = uPlot.paths.stepped?.({ align: 1 });

  /** @param {uPlot} chart */
  function drawMarker(chart) {
    if (marked === undefined || kind === "choices") return;
    const { ctx, bbox } = chart;
    const x = chart.valToPos(Math.min(Math.max(marked, min), max), "x", true);
    ctx.fillStyle = styleColor("--accent");
    ctx.fillRect(x - uPlot.pxRatio, bbox.top, 2 * uPlot.pxRatio, bbox.height);
  }

  const chart = createChart(
    container,
    {
      ...bare,
      height: distributionHeight,
      padding: [4, 0, 0, 0],
      scales: { x: { time: false, range: xRange }, y: { range: [0, 1] } },
      axes: [{ show: false }, { show: false }],
      series: [
        {},
        {
          width: 0,
          points: { show: false },
          fill: () => styleColor("--bar"),
          ...(kind === "steps" ? steps && { paths: steps } : bars && { paths: bars }),
        },
      ],
      hooks: {
        draw: [drawMarker],
        setSize: [
          (chart) => {
            const [left, right] = xRange(chart);
            chart.setScale("x", { min: left, max: right });
          },
        ],
      },
    },
    [values, heights],
  );
  return (value) => {
    marked = value;
    chart.redraw(kind === "choices");
  };
}

/**
 * @param {Feature} feature
 * @returns {feature is import("./distribution.js").ChoiceFeature}
 */
export function isChoice(feature) {
  return feature.type === "boolean" || feature.type === "category";
}

/** @param {import("./distribution.js").NumericFeature} feature */
function histogramOf(feature) {
  const { min, max } = sliderRange(feature);
  const drawn = histogram(feature, { min, max });
  return drawn && { ...drawn, min, max };
}

/** @param {import("./distribution.js").ChoiceFeature} feature */
function choiceBars(feature) {
  const { shares } = feature;
  if (shares === undefined) return undefined;
  const choices = choicesOf(feature);
  const heights = choices.map((choice) => shares[choice] ?? 0);
  const largest = Math.max(...heights);
  return {
    kind: /** @type {const} */ ("choices"),
    values: choices.map((_, index) => index),
    heights: heights.map((height) => height / largest),
    min: -0.5,
    max: choices.length - 0.5,
  };
}

/** @typedef {{ label: string, amount: number }} Contribution */

/**
 * An explained prediction: the contributions lead from the average to the total.
 *
 * @typedef {object} Explained
 * @property {number} baseline the average of the training rows
 * @property {readonly Contribution[]} contributions
 * @property {number} total
 * @property {string} totalLabel
 */

/** More contributions than these are added up. */
const maxContributions = 10;

const rowHeight = 30;

/** The distance of a bar from its text, in CSS pixels. */
const textGap = 8;

/** The distance of a label from the bars, in CSS pixels. */
const labelGap = 12;

/**
 * Draws the contributions to a prediction.
 *
 * @param {HTMLElement} container
 * @param {Explained} explained
 * @param {string | undefined} unit
 * @returns {uPlot}
 */
export function createWaterfall(container, explained, unit) {
  const { baseline, total, totalLabel, contributions } = explained;
  const steps = largestFirst(contributions);
  let end = baseline;
  const bars = steps.map(({ label, amount }) => {
    const start = end;
    end += amount;
    return { label, amount, start, end };
  });
  const labels = ["Average", ...steps.map(({ label }) => label), totalLabel];
  const starts = [baseline, ...bars.map(({ start }) => start), total];
  const ends = [baseline, ...bars.map((bar) => bar.end), total];
  const rows = labels.map((_, index) => index);
  const [least, most] = [Math.min(...starts, ...ends), Math.max(...starts, ...ends)];
  const spread = most - least || 1;

  const colors = () => {
    const [up, down] = [styleColor("--up"), styleColor("--down")];
    return rows.map((row) => ((ends[row] ?? 0) >= (starts[row] ?? 0) ? up : down));
  };
  const paths = uPlot.paths.bars?.({
    size: [0.6, 20, 2],
    radius: 0.15,
    disp: {
      y0: { unit: 1, values: () => starts },
      y1: { unit: 1, values: () => ends },
      fill: { unit: 3, values: colors },
    },
  });

  const texts = rows.map((row) => {
    const step = steps[row - 1];
    if (step === undefined) return formatQuantity(ends[row] ?? 0, unit);
    return formatDifference(step.amount, unit);
  });

  /**
   * Leaves room for the texts to the right of the bars.
   *
   * @param {uPlot} chart
   * @returns {[number, number]}
   */
  function yRange(chart) {
    const from = least - spread * 0.03;
    const width = chart.width - labelWidth(chart, labels);
    const widths = textWidths(chart, texts);
    const needed = rows.map((row) => {
      const bar = Math.max(starts[row] ?? 0, ends[row] ?? 0) - from;
      return (bar * width) / Math.max(width - textGap - (widths[row] ?? 0), 1);
    });
    return [from, from + Math.max(...needed)];
  }

  /** @param {uPlot} chart */
  function drawLabels(chart) {
    const { ctx } = chart;
    const { pxRatio } = uPlot;
    ctx.save();
    ctx.font = `${12 * pxRatio}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    for (const row of rows) {
      const start = starts[row] ?? 0;
      const stop = ends[row] ?? 0;
      const y = chart.valToPos(row, "x", true);
      const isTotal = row === 0 || row === rows.length - 1;
      const x = chart.valToPos(Math.max(start, stop), "y", true);
      if (isTotal) drawTotal(chart, x, y);
      ctx.fillStyle = styleColor("--text");
      ctx.textAlign = "left";
      ctx.fillText(texts[row] ?? "", x + textGap * pxRatio, y);
      if (row < rows.length - 1) drawConnector(chart, stop, row);
    }
    ctx.restore();
  }

  return createChart(
    container,
    {
      ...bare,
      height: rows.length * rowHeight + 8,
      padding: [4, 0, 4, 0],
      scales: {
        x: { time: false, ori: 1, dir: -1, range: [-0.5, rows.length - 0.5] },
        y: { ori: 0, dir: 1, range: yRange },
      },
      axes: [
        {
          side: 3,
          font,
          stroke: () => styleColor("--text"),
          grid: { show: false },
          ticks: { show: false },
          gap: labelGap - 4,
          size: (chart) => labelWidth(chart, labels),
          splits: () => rows,
          values: (chart) => labels.map((label) => shortened(chart, label)),
        },
        { show: false, side: 2 },
      ],
      series: [{}, { width: 0, points: { show: false }, ...(paths && { paths }) }],
      hooks: { draw: [drawLabels] },
    },
    [rows, ends],
  );
}

/**
 * Draws a dot at the average or at the prediction.
 *
 * @param {uPlot} chart
 * @param {number} x
 * @param {number} y
 */
function drawTotal({ ctx }, x, y) {
  ctx.fillStyle = styleColor("--text");
  ctx.beginPath();
  ctx.arc(x, y, 4 * uPlot.pxRatio, 0, 2 * Math.PI);
  ctx.fill();
}

/**
 * Draws a line from the end of a row to the next row.
 *
 * @param {uPlot} chart
 * @param {number} value
 * @param {number} row
 */
function drawConnector(chart, value, row) {
  const { ctx } = chart;
  const x = chart.valToPos(value, "y", true);
  ctx.strokeStyle = styleColor("--line");
  ctx.lineWidth = uPlot.pxRatio;
  ctx.beginPath();
  ctx.moveTo(x, chart.valToPos(row + 0.32, "x", true));
  ctx.lineTo(x, chart.valToPos(row + 0.68, "x", true));
  ctx.stroke();
}

/**
 * @param {readonly Contribution[]} contributions
 * @returns {Contribution[]}
 */
function largestFirst(contributions) {
  const sorted = contributions.toSorted((a, b) => Math.abs(b.amount) - Math.abs(a.amount));
  if (sorted.length <= maxContributions) return sorted;
  const others = sorted.slice(maxContributions - 1);
  const amount = others.reduce((sum, other) => sum + other.amount, 0);
  return [...sorted.slice(0, maxContributions - 1), { label: `${others.length} others`, amount }];
}

/** The share of the chart that labels may take. */
const maxLabelShare = 0.45;

/**
 * Returns the widths of texts in CSS pixels.
 *
 * @param {uPlot} chart
 * @param {readonly string[]} texts
 */
function textWidths({ ctx }, texts) {
  ctx.save();
  ctx.font = font;
  const widths = texts.map((text) => ctx.measureText(text).width);
  ctx.restore();
  return widths;
}

/**
 * Returns how much room the labels take, in CSS pixels.
 *
 * @param {uPlot} chart
 * @param {readonly string[]} labels
 */
function labelWidth(chart, labels) {
  const longest = Math.max(...textWidths(chart, labels));
  return Math.min(Math.ceil(longest) + labelGap, chart.width * maxLabelShare);
}

/**
 * Shortens a label until it fits.
 *
 * @param {uPlot} chart
 * @param {string} label
 */
function shortened(chart, label) {
  const room = chart.width * maxLabelShare - labelGap;
  let text = label;
  while (text.length > 1 && (textWidths(chart, [text])[0] ?? 0) > room) {
    text = `${text.slice(0, -2)}…`;
  }
  return text;
}
