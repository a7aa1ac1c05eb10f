/** Writes a row of a Markdown table. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/**
 * Replaces the generated part of a Markdown page.
 *
 * @param command the command that generates it, which two comments in the page name
 * @throws {Error} if the page lacks these comments
 */
export function withGenerated(page: string, command: string, parts: readonly string[]): string {
  const begin = `<!-- ${command}: from here -->`;
  const end = `<!-- ${command}: to here -->`;
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`the page lacks ${begin} or ${end}`);
  return [`${before}${begin}`, ...parts, `${end}${after}`].join("\n\n");
}
