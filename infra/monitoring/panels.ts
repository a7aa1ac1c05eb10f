import {
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import { ThresholdsConfigBuilder, ThresholdsMode } from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as GraphBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import {
  type LabelsOf,
  type MetricDefinition,
  type MetricName,
  metricTable,
  type NameOf,
} from "../../service/src/telemetry/metric-table.ts";
import { Queries, type Selection } from "./queries.ts";

/** The data source that the user selects above the dashboard. */
export const datasource = { type: "prometheus", uid: "$datasource" };

/** Writes queries for the namespaces and instances that the user selects above the dashboard. */
export const queries = new Queries([`namespace=~"$namespace"`, `instance=~"$instance"`]);

/** Grafana replaces it with a window that fits the graph's resolution and the scrape interval. */
export const window = "$__rate_interval";

/** Lines of a graph, or the value of a stat. */
export interface Target {
  readonly expr: string;
  /** The name in the legend. `{{label}}` is replaced with the value of a label. */
  readonly legend: string;
  /** One of Grafana's units. */
  readonly unit: string;
  readonly help: string;
}

const units: Readonly<Record<MetricDefinition["unit"], string>> = {
  seconds: "s",
  bytes: "bytes",
  ratio: "percentunit",
  index: "none",
  target: "none",
  count: "short",
  timestamp: "s",
  state: "bool_on_off",
  info: "short",
};

/** The units of a rate. Seconds per second are a share. */
const rateUnits: Readonly<Partial<Record<MetricDefinition["unit"], string>>> = {
  seconds: "percentunit",
  bytes: "Bps",
  count: "cps",
};

const helpOf = (name: MetricName) => `${metricTable[name].help}.`;

const legendOf = (labels: readonly string[], otherwise: string) =>
  labels.map((label) => `{{${label}}}`).join(" ") || otherwise;

/** Shows the events per second of a counter. */
export function rate<N extends NameOf<"counter">>(name: N, selection: Selection<N> = {}): Target {
  return {
    expr: queries.rate(name, { ...selection, window }),
    legend: legendOf(selection.by ?? [], "per second"),
    unit: rateUnits[metricTable[name].unit] ?? "short",
    help: helpOf(name),
  };
}

/** Shows the 50th and the 99th percentile of a histogram. */
export function percentiles<N extends NameOf<"histogram">>(
  name: N,
  selection: Selection<N> = {},
): Target[] {
  return [0.99, 0.5].map((quantile) => ({
    expr: queries.quantile(quantile, name, { ...selection, window }),
    legend: `p${quantile * 100} ${legendOf(selection.by ?? [], "")}`.trimEnd(),
    unit: units[metricTable[name].unit],
    help: helpOf(name),
  }));
}

/** Shows a gauge. The values of several pods are combined like those of several processes. */
export function level<N extends NameOf<"gauge">>(
  name: N,
  selection: Selection<N> & { readonly legend?: string } = {},
): Target {
  const { processes, unit }: MetricDefinition = metricTable[name];
  const operator = processes === "first" ? "avg" : processes;
  return {
    expr: queries.gauge(operator, name, selection),
    legend: selection.legend ?? legendOf(selection.by ?? [], name),
    unit: units[unit],
    help: helpOf(name),
  };
}

/** Shows how many pods have each combination of labels of a metric that is always 1. */
export function info<N extends NameOf<"gauge">>(
  name: N,
  by: readonly (keyof LabelsOf<N> & string)[],
): Target {
  return {
    expr: queries.gauge("count", name, { by }),
    legend: legendOf(by, name),
    unit: units.info,
    help: helpOf(name),
  };
}

const toQuery = ({ expr, legend }: Target) =>
  new DataqueryBuilder().expr(expr).legendFormat(legend).range();

/** Marks a limit in red. */
function limitAt(value: number) {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: "green" },
    { value, color: "red" },
  ]);
}

const descriptionOf = (targets: readonly Target[]) =>
  [...new Set(targets.map(({ help }) => help))].join(" ");

/** The options of a panel. */
interface PanelOptions {
  /** By default, the unit of the first target. */
  readonly unit?: string;
  /** From this value on, the panel is red. */
  readonly limit?: number;
}

/** Creates a graph. */
export function graph(title: string, targets: readonly Target[], options: PanelOptions = {}) {
  const panel = new GraphBuilder()
    .title(title)
    .description(descriptionOf(targets))
    .datasource(datasource)
    .unit(options.unit ?? targets[0]?.unit ?? "short")
    .axisSoftMin(0)
    .height(8)
    .fillOpacity(10)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(
      new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending),
    )
    .targets(targets.map(toQuery));
  if (options.limit === undefined) return panel;
  return panel
    .thresholds(limitAt(options.limit))
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
}

/** Creates a panel with the current value in large letters. */
export function stat(title: string, target: Target, options: PanelOptions = {}) {
  const panel = new StatBuilder()
    .title(title)
    .description(target.help)
    .datasource(datasource)
    .unit(options.unit ?? target.unit)
    .height(4)
    .graphMode(BigValueGraphMode.Area)
    .withTarget(toQuery(target));
  return options.limit === undefined ? panel : panel.thresholds(limitAt(options.limit));
}

/** Creates a panel with the labels of each series. */
export function names(title: string, target: Target) {
  return stat(title, target)
    .height(8)
    .graphMode(BigValueGraphMode.None)
    .textMode(BigValueTextMode.Name);
}
