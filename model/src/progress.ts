const BAR_WIDTH = 12;
const LINES = 10;
const CLEAR_LINE = "\r\u001b[K";

/** Where progress is shown: `process.stderr`, or a stand-in. */
export type ProgressStream = { readonly isTTY?: boolean; write(text: string): unknown };

/**
 * Shows how far a piece of work is.
 *
 * @param fraction - the share that is done, from 0 to 1
 */
export type ProgressReporter = (fraction: number, text: string) => void;

/** The stream if the work is long enough to show its progress, otherwise one that shows nothing. */
export function progressFor(stream: ProgressStream, isLong: boolean): ProgressStream {
  return isLong ? stream : { write() {} };
}

/**
 * Does a piece of work that reports its progress, which is shown as a bar that redraws itself on a
 * terminal, and elsewhere as a plain line at every tenth of the work.
 *
 * @returns what the work returns
 */
export async function withProgress<Result>(
  stream: ProgressStream,
  title: string,
  work: (report: ProgressReporter) => Result | Promise<Result>,
): Promise<Result> {
  const display = stream.isTTY === true ? progressBar(stream, title) : progressLines(stream, title);
  try {
    return await work(display.report);
  } finally {
    display.end();
  }
}

type Display = { readonly report: ProgressReporter; readonly end: () => void };

function progressBar(stream: ProgressStream, title: string): Display {
  let started = false;
  return {
    report(fraction, text) {
      started = true;
      const bar = "█".repeat(Math.round(fraction * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
      stream.write(`${CLEAR_LINE}${title} ${bar} ${percent(fraction)} ${text}`);
    },
    end() {
      if (started) {
        stream.write("\n");
      }
    },
  };
}

function progressLines(stream: ProgressStream, title: string): Display {
  let lines = 0;
  let pending = "";
  function flush(): void {
    if (pending !== "") {
      stream.write(pending);
    }
    pending = "";
  }
  return {
    report(fraction, text) {
      pending = `${title} ${percent(fraction)} ${text}\n`;
      if (Math.floor(fraction * LINES) > lines) {
        lines = Math.floor(fraction * LINES);
        flush();
      }
    },
    end: flush,
  };
}

function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`.padStart(5);
}
