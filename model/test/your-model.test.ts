import { expect, test } from "vitest";
import { z } from "zod";
import { ModelCard } from "../../service/src/model/card.ts";
import { blocksOf } from "../../test/guide.ts";
import { guide, parts } from "./guide.ts";

test("the guide has commands for each library", () => {
  expect(parts.map(({ title }) => title)).toEqual(["scikit-learn", "LightGBM", "XGBoost"]);
});

test("the card in the guide is one that the service accepts", () => {
  const cards = blocksOf(guide).filter(({ language }) => language === "json");
  expect(cards).toHaveLength(1);
  for (const { code } of cards) {
    expect(() => ModelCard.parse(JSON.parse(code))).not.toThrow();
  }
});

test("the guide explains every member of a card", () => {
  const names = new Set<string>();
  JSON.stringify(
    z.toJSONSchema(ModelCard, { io: "output", unrepresentable: "any" }),
    (key, value) => {
      if (key === "properties") {
        for (const name of Object.keys(value)) names.add(name);
      }
      return value;
    },
  );
  expect(names.size).toBeGreaterThan(25);
  for (const name of names) {
    expect(guide).toContain(`\`${name}\``);
  }
});
