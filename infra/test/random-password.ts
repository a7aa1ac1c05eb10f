import { randomInt } from "node:crypto";
import { z } from "zod";
import { secretProperty } from "./registration.ts";

/** The type of a RandomPassword. */
export const randomPasswordType = "random:index/randomPassword:RandomPassword";

const Inputs = z.object({ length: z.int(), special: z.boolean().default(true) });

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const specialCharacters = "!@#$%&*()-_=+[]{}<>:?";

/** Generates the secret output of a RandomPassword, as its provider does. */
export function randomPassword(inputs: unknown): { result: object } {
  const { length, special } = Inputs.parse(inputs);
  const allowed = special ? alphanumeric + specialCharacters : alphanumeric;
  const characters = Array.from({ length }, () => allowed.charAt(randomInt(allowed.length)));
  return { result: secretProperty(characters.join("")) };
}
