import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "./machine.ts";

const scripts = readdirSync(join(root, "scripts")).filter((name) => name.endsWith(".sh"));
const files = ["run.sh", ...scripts.map((name) => `scripts/${name}`)];
const lines = files.flatMap((file) =>
  readFileSync(join(root, file), "utf8")
    .split("\n")
    .map((line, index) => ({ where: `${file}:${index + 1}`, line: line.replace(/^ *#.*/, "") })),
);

/**
 * Features that bash 3.2 or the BSD tools of macOS lack, each with a line that uses the feature.
 */
const lacking: [what: string, pattern: RegExp, sample: string][] = [
  ["associative arrays", /\b(declare|local|typeset) -\w*A/, "local -A ports"],
  ["name references", /\b(declare|local|typeset) -\w*n\b/, "local -n array"],
  ["mapfile", /\b(mapfile|readarray)\b/, "mapfile -t lines"],
  ["case conversion", /\$\{\w+[\^,]/, `\${name,,}`],
  ["parameter transformation", /\$\{[\w@*]+@[A-Za-z]\}/, `\${name@Q}`],
  ["|&", /\|&/, "make |& tee log"],
  ["&>>", /&>>/, "make &>>log"],
  [";& and ;;&", /;&/, "a) one ;;&"],
  ["coproc", /\bcoproc\b/, "coproc cat"],
  ["[[ -v", /\[\[ -v/, "[[ -v name ]]"],
  ["wait -n", /\bwait -\w/, "wait -n"],
  ["newer variables", /\b(EPOCH(SECONDS|REALTIME)|BASHPID|SRANDOM)\b/, "$EPOCHSECONDS"],
  ["printf with times", /%\([^)]*\)T/, "printf '%(%s)T'"],
  ["newer options", /\bshopt\b/, "shopt -s globstar"],
  [
    "a case pattern without ( in $(…)",
    /\$\((?!\().*\bcase .* in [^(]*\)/,
    '$(case "$a" in b) ;; esac)',
  ],
  ["timeout", /(^|[\s;|&(])timeout /, "timeout 5 curl"],
  ["readlink -f and realpath", /readlink -f|\brealpath\b/, 'readlink -f "$0"'],
  ["nanoseconds", /date .*%N/, "date +%s%N"],
  ["sed -i and sed -r", /\bsed (-\w+ )*-\w*[ir]/, "sed -i s/a/b/"],
  ["grep -P", /\bgrep -\w*P/, "grep -oP '\\d'"],
  ["\\| in a basic expression", /(grep|sed) .*\\\|/, "grep 'a\\|b'"],
  ["mktemp's long options", /\bmktemp .*--/, "mktemp --suffix=.tar"],
  ["stat -c", /\bstat -c/, "stat -c %s file"],
  ["sort -V", /\bsort -\w*V/, "sort -V"],
  ["base64 -w", /\bbase64 -w/, "base64 -w 0"],
  ["tac, seq and nproc", /(^|[\s;|&(])(tac|seq|nproc)\b/, "seq 10"],
  ["find -printf", /-printf\b/, "find . -printf %p"],
  ["head -n -N", /\b(head|tail) -n ?-/, "head -n -1"],
  ["ps's own options", /\bps (aux|-\w*e)/, "ps aux"],
];

describe("portability", () => {
  test.each(lacking)("the shell scripts do not use %s", (_, pattern, sample) => {
    expect(sample).toMatch(pattern);
    expect(lines.filter(({ line }) => pattern.test(line))).toEqual([]);
  });

  // The clean-up runs in a trap, where it returns the status from before the trap.
  test("the shell scripts do not use return without a status", () => {
    expect(lines.filter(({ line }) => /\breturn *($|[;}])/.test(line))).toEqual([]);
  });
});
