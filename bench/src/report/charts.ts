import { type Chart, matches } from "../scenario.ts";
import type { Row } from "../turns.ts";
import { figureText } from "./tables.ts";

const width = 860;
const barHeight = 20;
/** The maximum width of a character. */
const characterWidth = 7.5;
/** Colours that people with colour blindness can tell apart, also in print. */
const colors = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

function barsOf({ where, group, series, figures }: Chart, rows: readonly Row[]) {
  const bars = rows.flatMap((row) =>
    figures.map((column) => {
      const name = series === undefined ? column : String(row[series]);
      const cell = row[group] ?? "";
      const label = typeof cell === "number" ? figureText(cell) : cell;
      return { row, group: label, series: name, value: Number(row[column]) };
    }),
  );
  return bars.filter(({ row, value }) => matches(row, where) && Number.isFinite(value));
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const textAt = (x: number, y: number, text: string, attributes = "") =>
  `<text x="${x.toFixed(1)}" y="${y}"${attributes}>${escaped(text)}</text>`;
const rectangle = (x: number, y: number, width: number, height: number, color: string) =>
  `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${height}" fill="${color}"/>`;

/** Draws a chart as an SVG document. The same figures always give the same text. */
export function chartSvg(chart: Chart, rows: readonly Row[]): string {
  const { title, figures, isLogarithmic = false } = chart;
  const bars = barsOf(chart, rows);
  const names = [...new Set(bars.map(({ series }) => series))];
  const colorOf = (series: string) => colors[names.indexOf(series) % colors.length] ?? "";
  const left = 20 + Math.max(...bars.map(({ group }) => group.length)) * characterWidth;
  const values = bars.map(({ value }) => value);
  const scale = (value: number) => (isLogarithmic ? Math.log10(value) : value);
  const start = isLogarithmic ? Math.floor(scale(Math.min(...values)) - 0.1) : 0;
  const pixels = (width - 80 - left) / (scale(Math.max(...values)) - start);

  const unit = figures.length === 1 ? [...figures] : [];
  if (isLogarithmic) unit.push("logarithmic scale");
  const centered = ' text-anchor="middle"';
  const parts = [
    textAt(width / 2, 24, title, `${centered} font-size="16"`),
    textAt(width / 2, 46, unit.join(", "), centered),
  ];
  const legend = names.map((name) => `<tspan fill="${colorOf(name)}">■</tspan> ${escaped(name)}`);
  if (names.length > 1) {
    parts.push(`<text x="${width / 2}" y="68"${centered}>${legend.join("&#160;&#160; ")}</text>`);
  }
  let y = names.length > 1 ? 68 : 46;
  for (const [group, ofGroup] of Map.groupBy(bars, (bar) => bar.group)) {
    y += 14;
    const middle = y + (ofGroup.length * barHeight) / 2 + 3;
    parts.push(textAt(left - 8, middle, group, ' text-anchor="end"'));
    for (const { series, value } of ofGroup) {
      const length = (scale(value) - start) * pixels;
      parts.push(rectangle(left, y, length, barHeight - 2, colorOf(series)));
      parts.push(textAt(left + length + 5, y + 13, figureText(value)));
      y += barHeight;
    }
  }
  const height = y + 20;
  return `<svg role="img" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#333333">
<title>${escaped(title)}</title>
${[rectangle(0, 0, width, height, "#ffffff"), ...parts].join("\n")}
</svg>
`;
}
