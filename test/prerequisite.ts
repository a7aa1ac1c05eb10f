import { test } from "vitest";

/**
 * Returns `test` for tests with a prerequisite that a machine may lack. If it is missing, the tests
 * are skipped. With `REQUIRE_ALL_TESTS=1`, they run and fail.
 */
export function testNeeding(isPresent: boolean) {
  const { REQUIRE_ALL_TESTS } = process.env;
  return test.skipIf(!isPresent && REQUIRE_ALL_TESTS !== "1");
}
