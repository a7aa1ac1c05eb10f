import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { missingFile } from "../model-setting.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "project "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "model"));
});

const write = (name: string) => writeFileSync(join(folder, "model", name), "");
const missing = () => missingFile("model/wine.onnx", folder);

const noFile =
  'found "model/wine.onnx", which is not a regular file; allowed: an ONNX file in the project\'s folder model/, such as model/california-housing.onnx';
const noCard =
  'found "model/wine.onnx" without its card model/wine.json; ./run.sh card model/wine.onnx --data FILE.csv writes it';

test("a model that does not exist is refused", () => {
  write("wine.json");
  expect(missing()).toBe(noFile);
});

test("a folder is not a model", () => {
  write("wine.json");
  mkdirSync(join(folder, "model/wine.onnx"));
  expect(missing()).toBe(noFile);
});

test("a symbolic link is not a model, because its target is not in the build", () => {
  write("wine.json");
  writeFileSync(join(folder, "elsewhere.onnx"), "");
  symlinkSync("../elsewhere.onnx", join(folder, "model/wine.onnx"));
  expect(missing()).toBe(noFile);
});

test("a model without a card is refused, and the message says how to write the card", () => {
  write("wine.onnx");
  expect(missing()).toBe(noCard);
});

test("a symbolic link is not a card", () => {
  write("wine.onnx");
  symlinkSync("../elsewhere.json", join(folder, "model/wine.json"));
  expect(missing()).toBe(noCard);
});

test("a model with its card is accepted", () => {
  write("wine.onnx");
  write("wine.json");
  expect(missing()).toBeUndefined();
});
