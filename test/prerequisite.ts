import { test } from "vitest";

/**
 * A `test` for what needs something that a machine may lack: skipped by name there, unless
 * `REQUIRE_ALL_TESTS=1` says that nothing may be lacking; then it runs, and fails.
 */
export function testNeeding(isPresent: boolean): typeof test {
  const { REQUIRE_ALL_TESTS } = process.env;
  return isPresent || REQUIRE_ALL_TESTS === "1" ? test : (test.skip as typeof test);
}
