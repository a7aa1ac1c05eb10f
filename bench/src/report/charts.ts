import { parse, View } from "vega";
import { compile } from "vega-lite";
import { type Chart, matches, type Row } from "../scenario.ts";
import { cellText } from "./tables.ts";

/** Colours that people with colour blindness can tell apart, also in print. */
const colors = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

/** Draws a bar chart as an SVG document. The same figures always give the same text. */
export async function chartSvg(chart: Chart, rows: readonly Row[]): Promise<string> {
  const { title, where, group, series, figure, isLogarithmic = false } = chart;
  const values = rows
    .filter((row) => matches(row, where) && row[figure] !== undefined)
    .map((row) => ({ ...row, [group]: cellText(row[group]), text: cellText(row[figure]) }));
  const scale = { type: isLogarithmic ? "log" : "linear" } as const;
  const bySeries = { field: series, sort: null, title: null };
  const { spec } = compile({
    title: { text: title, subtitle: isLogarithmic ? `${figure}, logarithmic scale` : figure },
    width: 560,
    height: { step: 18 },
    padding: 10,
    background: "white",
    data: { values },
    encoding: {
      x: { field: figure, type: "quantitative", scale, axis: null, stack: null },
      y: { field: group, sort: null, axis: { labelLimit: 0 } },
      yOffset: bySeries,
      color: { ...bySeries, scale: { range: colors } },
    },
    layer: [
      { mark: "bar" },
      {
        mark: { type: "text", align: "left", dx: 3 },
        encoding: { text: { field: "text" }, color: { value: "black" } },
      },
    ],
    config: { legend: { orient: "top" } },
  });
  return `${await new View(parse(spec)).toSVG()}\n`;
}
