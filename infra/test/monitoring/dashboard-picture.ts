import type { Series } from "./prometheus.ts";

/** A panel with the results of its queries. */
export interface DrawnPanel {
  readonly title: string;
  readonly type: string;
  readonly unit: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  /** Drawn as a dashed red line. */
  readonly limit: number | undefined;
  readonly lines: readonly { readonly name: string; readonly points: Series["points"] }[];
}

const width = 1440;
const columnWidth = width / 24;
const rowHeight = 30;
const captionHeight = 56;
const gap = 4;
/** Colours that people with colour blindness can tell apart on a dark background. */
const colors = [
  "#56b4e9",
  "#e69f00",
  "#2bc48a",
  "#cc79a7",
  "#f0e442",
  "#d55e00",
  "#9aa7ff",
  "#bbbbbb",
];

const escapeXml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const text = (x: number, y: number, content: string, attributes = "") =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeXml(content)}</text>`;

const rounded = (value: number) => String(Number(value.toPrecision(3)));

/** Writes a value in the unit of Grafana, as Grafana does. */
function format(value: number, unit: string): string {
  const scaled = (factor: number, steps: readonly string[]) => {
    let rest = value;
    let step = 0;
    while (Math.abs(rest) >= factor && step < steps.length - 1) {
      rest /= factor;
      step++;
    }
    return `${rounded(rest)} ${steps[step]}`.trim();
  };
  switch (unit) {
    case "s":
      if (value === 0) return "0 s";
      if (Math.abs(value) < 1e-3) return `${rounded(value * 1e6)} µs`;
      return Math.abs(value) < 1 ? `${rounded(value * 1e3)} ms` : scaled(60, ["s", "min", "h"]);
    case "bytes":
      return scaled(1024, ["B", "KiB", "MiB", "GiB"]);
    case "percentunit":
      return `${rounded(value * 100)} %`;
    case "reqps":
      return `${scaled(1000, ["", "K"])} req/s`;
    case "cps":
      return `${scaled(1000, ["", "K"])}/s`;
    case "bool_on_off":
      return ["off", "on"][value] ?? "";
    default:
      return scaled(1000, ["", "K", "M"]);
  }
}

/** Draws the lines of a graph and its limit into a box. */
function drawLines(
  { lines, unit, limit }: DrawnPanel,
  box: { x: number; y: number; w: number; h: number },
): string {
  const all = lines.flatMap(({ points }) => points).filter(([, value]) => Number.isFinite(value));
  const times = all.map(([time]) => time);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const largest = Math.max(...all.map(([, value]) => value), 0);
  const top = largest === 0 || unit === "bool_on_off" ? 1 : largest * 1.1;
  const xOf = (time: number) => box.x + ((time - first) / (last - first || 1)) * box.w;
  const yOf = (value: number) => box.y + box.h - (value / top) * box.h;
  const parts = [0, top / 2, top].flatMap((value) => [
    `<path d="M${box.x.toFixed(1)} ${yOf(value).toFixed(1)}h${box.w.toFixed(1)}" stroke="#33363d"/>`,
    text(box.x - 6, yOf(value) + 4, format(value, unit), `text-anchor="end" fill="#9a9da5"`),
  ]);
  for (const [index, { points }] of lines.entries()) {
    const path = points
      .filter(([, value]) => Number.isFinite(value))
      .map(([time, value]) => `${xOf(time).toFixed(1)} ${yOf(value).toFixed(1)}`);
    const color = colors[index % colors.length];
    if (path.length > 0) {
      parts.push(`<path d="M${path.join("L")}" stroke="${color}" stroke-width="1.5" fill="none"/>`);
    }
  }
  if (limit !== undefined && limit <= top) {
    parts.push(
      `<path d="M${box.x.toFixed(1)} ${yOf(limit).toFixed(1)}h${box.w.toFixed(1)}" stroke="#f2495c" stroke-dasharray="6 4"/>`,
    );
  }
  return parts.join("\n");
}

/** Writes the names of the lines in rows, and the last one as "…" if there is no room. */
function drawLegend(lines: DrawnPanel["lines"], x: number, y: number, w: number): string {
  const parts: string[] = [];
  let [left, row] = [0, 0];
  for (const [index, { name }] of lines.entries()) {
    const length = 20 + name.length * 6.2;
    if (left > 0 && left + length > w) [left, row] = [0, row + 1];
    if (row > 1) break;
    const shown = row === 1 && left + length > w - 20 ? "…" : name;
    const color = colors[index % colors.length];
    parts.push(
      `<path d="M${(x + left).toFixed(1)} ${(y + row * 14 - 4).toFixed(1)}h10" stroke="${color}" stroke-width="3"/>`,
      text(x + left + 14, y + row * 14, shown, `fill="#c8cad0" font-size="10.5"`),
    );
    left += length;
  }
  return parts.join("\n");
}

function drawPanel(panel: DrawnPanel): string {
  const { title, type, unit, lines, limit, gridPos } = panel;
  const x = gridPos.x * columnWidth;
  const y = captionHeight + gridPos.y * rowHeight;
  const w = gridPos.w * columnWidth;
  const h = gridPos.h * rowHeight;
  if (type === "row")
    return text(8, y + 21, title, `fill="#ffffff" font-size="15" font-weight="600"`);
  const frame = `<rect x="${x + gap / 2}" y="${y + gap / 2}" width="${w - gap}" height="${h - gap}" rx="3" fill="#181b1f" stroke="#2a2d33"/>
${text(x + 12, y + 22, title, `fill="#d8d9da" font-weight="600"`)}`;
  if (type === "stat") {
    const [first] = lines;
    const value = first?.points.findLast(([, each]) => Number.isFinite(each))?.[1] ?? Number.NaN;
    const isName = gridPos.h > 4;
    const shown = isName ? (first?.name ?? "") : format(value, unit);
    const color = limit !== undefined && value >= limit ? "#f2495c" : "#73bf69";
    const size = isName ? 13 : 30;
    const clipped = shown.length * size * 0.6 > w ? `${shown.slice(0, 50)}…` : shown;
    const attributes = `fill="${color}" font-size="${size}" text-anchor="middle"`;
    return `${frame}\n${text(x + w / 2, y + h / 2 + 18, clipped, attributes)}`;
  }
  const box = { x: x + 76, y: y + 38, w: w - 92, h: h - 92 };
  return `${frame}\n${drawLines(panel, box)}\n${drawLegend(lines, x + 14, y + h - 28, w - 28)}`;
}

/** Draws the panels at their places as an SVG document. */
export function drawDashboard(panels: readonly DrawnPanel[], caption: string): string {
  const rows = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  const height = captionHeight + rows * rowHeight + gap;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Inter, Helvetica, Arial, sans-serif" font-size="12">
<title>The dashboard of the prediction service</title>
<rect width="100%" height="100%" fill="#111217"/>
${text(8, 24, "Prediction service", `fill="#ffffff" font-size="18"`)}
${text(8, 44, caption, `fill="#9a9da5"`)}
${panels.map(drawPanel).join("\n")}
</svg>
`;
}
