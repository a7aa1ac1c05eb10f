import { isFigures, type Table } from "./figures.ts";
import type { Tell } from "./scenario.ts";

const { stdout, stderr } = process;

/** Tells on stderr what a scenario does; on a terminal, in one line that is overwritten. */
export function progressOf(scenario: string): Tell {
  return (progress) => {
    const line = `${scenario}: ${progress}`;
    if (stderr.isTTY) stderr.write(`\r\u001b[K${line.slice(0, stderr.columns - 1)}`);
    else stderr.write(`${line}\n`);
  };
}

/** A table in columns of spaces. */
export function tableText(table: Table): string {
  const lines = [table.columns, ...table.rows];
  const shapes = table.columns.map((_, column) => ({
    width: Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
    isRight: isFigures(table, column),
  }));
  const aligned = (cells: readonly string[]) =>
    shapes.map(({ width, isRight }, column) => {
      const cell = cells[column] ?? "";
      return isRight ? cell.padStart(width) : cell.padEnd(width);
    });
  return lines.map((cells) => aligned(cells).join("  ").trimEnd()).join("\n");
}

/** Prints on stdout, in place of the line of progress. */
export function print(text: string): void {
  if (stderr.isTTY) stderr.write("\r\u001b[K");
  stdout.write(`${text}\n`);
}
