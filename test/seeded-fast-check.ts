import fc from "fast-check";

/** `FUZZ_SEED=2 ./run.sh test` tests properties with other values. */
const { FUZZ_SEED = "1" } = process.env;

fc.configureGlobal({ seed: Number(FUZZ_SEED) });

/** fast-check with the same values in each run, so that a failure can be repeated. */
export { fc };
