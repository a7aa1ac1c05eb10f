const barWidth = 12;
const maxLines = 10;
const clearLine = "\r\u001b[K";

/** Where progress is shown: `process.stderr`, or a replacement in tests. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Shows how much of the work is done.
 *
 * @param fraction the share of the work that is done, from 0 to 1
 */
export type ProgressReporter = (fraction: number, text: string) => void;

/** Returns the stream if the work takes a long time, otherwise a stream that shows nothing. */
export function progressFor(stream: ProgressStream, isLong: boolean): ProgressStream {
  return isLong ? stream : { write() {} };
}

/**
 * Runs work that reports its progress. A terminal shows a progress bar; any other stream gets one
 * line per tenth of the work.
 *
 * @returns the result of the work
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

interface Display {
  readonly report: ProgressReporter;
  readonly end: () => void;
}

function progressBar(stream: ProgressStream, title: string): Display {
  let started = false;
  return {
    report(fraction, text) {
      started = true;
      const bar = "█".repeat(Math.round(fraction * barWidth)).padEnd(barWidth, "░");
      stream.write(`${clearLine}${title} ${bar} ${percent(fraction)} ${text}`);
    },
    end() {
      if (started) stream.write("\n");
    },
  };
}

function progressLines(stream: ProgressStream, title: string): Display {
  let lines = 0;
  let pending = "";
  function flush(): void {
    if (pending !== "") stream.write(pending);
    pending = "";
  }
  return {
    report(fraction, text) {
      pending = `${title} ${percent(fraction)} ${text}\n`;
      if (Math.floor(fraction * maxLines) > lines) {
        lines = Math.floor(fraction * maxLines);
        flush();
      }
    },
    end: flush,
  };
}

function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`.padStart(5);
}
