/** @import { Locations } from "../locations.ts" */
import { bare, createChart } from "./charts.js";
import { element, styleColor } from "./dom.js";
import { formatDegrees, formatQuantity } from "./format.js";

/** From low to high values. The lightness changes evenly, so it can be read without the hues. */
const colors = ["#3b0f70", "#7b2382", "#b63679", "#e65164", "#fb8861", "#fec287"];

/** The share of the cells below and above the scale of colors. */
const tail = 0.02;

const mapHeight = 350;
const axisHeight = 28;
const axisWidth = 40;
const topPadding = 8;
const sidePadding = 20;

/** @typedef {{ latitude: number, longitude: number }} Place */

/**
 * @param {readonly number[]} ascending
 * @param {number} share
 */
function quantile(ascending, share) {
  return ascending[Math.round((ascending.length - 1) * share)] ?? 0;
}

/**
 * Draws a map of the training rows.
 *
 * @param {HTMLElement} container
 * @param {Locations} locations
 * @param {object} options
 * @param {string | undefined} options.unit the unit of the target
 * @param {string} options.plural
 * @param {(place: Place) => void} options.onPick called when the user clicks on the map
 * @returns {(place: Partial<Place>) => void} moves the marker
 */
export function createMap(container, { cells, cellDegrees }, { unit, plural, onPick }) {
  const means = cells.map(([, , mean]) => mean).sort((a, b) => a - b);
  const [low, high] = [quantile(means, tail), quantile(means, 1 - tail)];
  const latitudes = cells.map(([latitude]) => latitude);
  const longitudes = cells.map(([, longitude]) => longitude);
  // A cell has a neighbor on each side, so that the marker is not cut off.
  const [south, north] = [
    Math.min(...latitudes) - cellDegrees,
    Math.max(...latitudes) + 2 * cellDegrees,
  ];
  const [west, east] = [
    Math.min(...longitudes) - cellDegrees,
    Math.max(...longitudes) + 2 * cellDegrees,
  ];
  /** @type {Partial<Place>} */
  let marked = {};
  const canvas = element("div", { role: "img", class: "map-canvas" });
  const caption = element("p", { class: "scale map-caption" });
  const gradient = element("div", { class: "gradient" });
  gradient.style.background = `linear-gradient(to right, ${colors.join(", ")})`;
  container.append(
    canvas,
    element(
      "div",
      { class: "map-legend" },
      element("span", {}, formatQuantity(low, unit)),
      gradient,
      element("span", {}, formatQuantity(high, unit)),
    ),
    caption,
  );

  /** @param {number} mean */
  function colorOf(mean) {
    const along = Math.min(Math.max((mean - low) / (high - low || 1), 0), 1);
    return colors[Math.round(along * (colors.length - 1))] ?? "";
  }

  /** @param {uPlot} chart */
  function draw(chart) {
    const { ctx } = chart;
    for (const [latitude, longitude, mean] of cells) {
      const x = Math.round(chart.valToPos(longitude, "x", true));
      const y = Math.round(chart.valToPos(latitude + cellDegrees, "y", true));
      const right = Math.round(chart.valToPos(longitude + cellDegrees, "x", true));
      const bottom = Math.round(chart.valToPos(latitude, "y", true));
      ctx.fillStyle = colorOf(mean);
      ctx.fillRect(x, y, right - x, bottom - y);
    }
    const { latitude, longitude } = marked;
    if (latitude === undefined || longitude === undefined) return;
    const { pxRatio } = uPlot;
    const x = chart.valToPos(longitude, "x", true);
    const y = chart.valToPos(latitude, "y", true);
    for (const [width, color] of /** @type {const} */ ([
      [6, "--panel"],
      [3, "--text"],
    ])) {
      ctx.lineWidth = width * pxRatio;
      ctx.strokeStyle = styleColor(color);
      ctx.beginPath();
      ctx.arc(x, y, 8 * pxRatio, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }

  /** @param {uPlot} chart @returns {Place | undefined} */
  function placeAtCursor({ cursor, posToVal }) {
    const { left = -1, top = -1 } = cursor;
    if (left < 0 || top < 0) return undefined;
    const round = (/** @type {number} */ degrees) => Math.round(degrees * 100) / 100;
    return { latitude: round(posToVal(top, "y")), longitude: round(posToVal(left, "x")) };
  }

  /** @param {Place} place */
  function cellAt({ latitude, longitude }) {
    return cells.find(
      ([bottom, left]) =>
        latitude >= bottom &&
        latitude < bottom + cellDegrees &&
        longitude >= left &&
        longitude < left + cellDegrees,
    );
  }

  /** @param {Partial<Place>} place */
  function describe({ latitude, longitude }) {
    if (latitude === undefined || longitude === undefined) return "";
    const cell = cellAt({ latitude, longitude });
    const found =
      cell === undefined
        ? "no training rows"
        : `${formatQuantity(cell[2], unit)} on average, ${cell[3]} training rows`;
    const [north, east] = [formatDegrees(latitude), formatDegrees(longitude)];
    return `Latitude ${north}, longitude ${east}: ${found}`;
  }

  /**
   * Returns the degrees that the map shows. They contain all cells, and a degree is as long as on the
   * ground in both directions.
   *
   * @param {uPlot} chart
   * @returns {{ x: [number, number], y: [number, number] }}
   */
  function rangesOf({ width }) {
    const [middleEast, middleNorth] = [(west + east) / 2, (south + north) / 2];
    const narrowing = Math.cos((middleNorth * Math.PI) / 180);
    const [across, down] = [width - axisWidth - sidePadding, mapHeight - axisHeight - topPadding];
    const perPixel = Math.max((north - south) / down, ((east - west) * narrowing) / across);
    const halfNorth = (down * perPixel) / 2;
    const halfEast = (across * perPixel) / 2 / narrowing;
    return {
      x: [middleEast - halfEast, middleEast + halfEast],
      y: [middleNorth - halfNorth, middleNorth + halfNorth],
    };
  }

  const degrees = {
    stroke: () => styleColor("--muted"),
    font: "11px system-ui, sans-serif",
    ticks: { show: false },
    grid: { stroke: () => styleColor("--line"), width: 1 },
  };
  const chart = createChart(
    canvas,
    {
      ...bare,
      height: mapHeight,
      padding: [topPadding, sidePadding, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: (chart) => rangesOf(chart).x },
        y: { range: (chart) => rangesOf(chart).y },
      },
      axes: [
        {
          ...degrees,
          size: axisHeight,
          space: 60,
          values: (_, splits) => splits.map(formatDegrees),
        },
        {
          ...degrees,
          size: axisWidth,
          space: 60,
          values: (_, splits) => splits.map(formatDegrees),
        },
      ],
      series: [{}, { show: false }],
      hooks: {
        draw: [draw],
        setSize: [
          (chart) => {
            const { x, y } = rangesOf(chart);
            chart.setScale("x", { min: x[0], max: x[1] });
            chart.setScale("y", { min: y[0], max: y[1] });
          },
        ],
        setCursor: [
          (chart) => {
            caption.textContent = describe(placeAtCursor(chart) ?? marked);
          },
        ],
      },
    },
    [
      [west, east],
      [south, north],
    ],
  );
  chart.over.addEventListener("click", () => {
    const place = placeAtCursor(chart);
    if (place !== undefined) onPick(place);
  });

  return (place) => {
    marked = place;
    caption.textContent = describe(place);
    canvas.setAttribute(
      "aria-label",
      `Map of the ${plural} in the training rows, colored by their mean. ${describe(place)}`,
    );
    chart.redraw(false);
  };
}
