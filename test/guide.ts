/** A block of code in a document, and the text before it. */
export interface Block {
  readonly before: string;
  readonly language: string;
  readonly code: string;
}

/** Returns the blocks of code in a document. */
export function blocksOf(text: string): readonly Block[] {
  const [first = "", ...others] = text.split(/^```/m);
  let before = first;
  return others.flatMap((part, index) => {
    // Text and code alternate.
    if (index % 2 === 1) {
      before = part;
      return [];
    }
    const [language = "", ...lines] = part.split("\n");
    return [{ before, language, code: lines.join("\n") }];
  });
}

/** A part of a document that has commands. */
export interface GuidePart {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** Returns the parts of a document that have commands. */
export function partsOf(text: string): readonly GuidePart[] {
  return text
    .split(/^## /m)
    .map((part) => ({ title: part.split("\n", 1)[0] ?? "", blocks: blocksOf(part) }))
    .filter(({ blocks }) => blocks.some(({ language }) => language === "sh"));
}

/** Returns the name of the file in which the guide says to save a block; undefined if it does not. */
export function fileNameOf({ before }: Block): string | undefined {
  return /`([\w-]+\.\w+)`:\s*$/.exec(before)?.[1];
}

/** Returns the commands of a console, each with what it prints. */
export function commandsOf({ code }: Block): readonly { command: string; output: string }[] {
  return code
    .split(/^\$ /m)
    .slice(1)
    .map((example) => {
      const [command = "", ...shown] = example.split("\n");
      return { command, output: shown.join("\n").trim() };
    });
}

/** Turns output into a pattern in which `…` matches any text. */
export function patternOf(shown: string): RegExp {
  const escaped = shown.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("…", ".*")}$`);
}
