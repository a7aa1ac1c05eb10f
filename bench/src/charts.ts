import { type EChartsCoreOption, init } from "echarts";
import { figureText } from "./figures.ts";
import type { BarChart, Chart, LineChart } from "./report.ts";

const width = 860;

/** Told apart by those who see no red or no green too, and on paper. */
const colors = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

const text = { color: "#333333", fontSize: 12 } as const;

const common = ({ title, series }: Chart): EChartsCoreOption => ({
  animation: false,
  backgroundColor: "#ffffff",
  color: colors,
  textStyle: { fontFamily: "sans-serif" },
  title: { text: title, left: "center", top: 10, textStyle: { ...text, fontSize: 16 } },
  legend: { show: series.length > 1, top: 38, textStyle: text, selectedMode: false },
});

const ticks = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

const axis = (type: "log" | "value", name: string) => ({
  type,
  name,
  nameLocation: "middle",
  nameTextStyle: text,
  axisLabel: { ...text, formatter: ticks.format },
  splitLine: { lineStyle: { color: "#dddddd" } },
});

/** The power of ten below the least of them: where a logarithmic axis begins. */
const floorOf = (values: readonly number[]) => 10 ** Math.floor(Math.log10(Math.min(...values)));

function bars(chart: BarChart): EChartsCoreOption {
  const { unit, scale, labels, series } = chart;
  const isLog = scale === "log";
  const start = isLog ? floorOf(series.flatMap(({ values }) => values)) / 2 : 0;
  const { axisLabel, ...value } = axis(isLog ? "log" : "value", unit);
  return {
    ...common(chart),
    grid: { left: 20, right: 70, top: 70, bottom: 20, containLabel: true },
    xAxis: {
      ...value,
      nameGap: 28,
      min: start,
      startValue: start,
      axisLabel: { ...axisLabel, showMinLabel: !isLog },
    },
    yAxis: { type: "category", inverse: true, data: labels, axisLabel: text },
    series: series.map(({ name, values }) => ({
      type: "bar",
      name,
      data: values,
      silent: true,
      barGap: 0,
      barMaxWidth: 22,
      label: {
        ...text,
        show: true,
        position: "right",
        formatter: ({ value }: { value: number }) => figureText(value),
      },
    })),
  };
}

function lines(chart: LineChart): EChartsCoreOption {
  const { x, y, series } = chart;
  const points = series.flatMap((line) => line.points);
  return {
    ...common(chart),
    grid: { left: 40, right: 40, top: 70, bottom: 40, containLabel: true },
    xAxis: { ...axis("log", x), min: floorOf(points.map(([value]) => value)), nameGap: 28 },
    yAxis: { ...axis("log", y), min: floorOf(points.map(([, value]) => value)), nameGap: 50 },
    series: series.map((line) => ({
      type: "line",
      name: line.name,
      data: line.points,
      silent: true,
      symbol: "circle",
      symbolSize: 6,
    })),
  };
}

const heightOf = (chart: Chart) =>
  chart.kind === "lines" ? 460 : 120 + chart.labels.length * (14 + 20 * chart.series.length);

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** What a picture has no use for: styles under the pointer, their classes, references to the data. */
const interactive = /<style[\s\S]*?<\/style>\s*| (?:class|ecmeta_\w+)="[^"]*"/g;
/** Of identifiers: the drawing's number. */
const drawingNumber = /\bzr\d+-/g;

/** A chart as an SVG document: the same text for the same figures. */
export function chartSvg(chart: Chart): string {
  const drawing = init(null, null, { renderer: "svg", ssr: true, width, height: heightOf(chart) });
  drawing.setOption(chart.kind === "bars" ? bars(chart) : lines(chart));
  const svg = drawing.renderToSVGString();
  drawing.dispose();
  return svg
    .replaceAll(interactive, "")
    .replaceAll(drawingNumber, "")
    .replace(/<svg ([^>]*)>/, `<svg role="img" $1><title>${escaped(chart.title)}</title>`);
}
