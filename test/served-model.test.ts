import { cpSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";
import { testNeeding } from "./prerequisite.ts";
import { flats, hasPythonModels, iris, wine } from "./python-models.ts";

// The card of flats has no ranges, so only a few values are known to be valid.
describe.each([wine, iris, flats])("the model $name", (model) => {
  const service = serviceForAll(model);

  testNeeding(hasPythonModels)(
    `the demo checks the model ${model.name} like the committed one`,
    async () => {
      const { status, stdout, stderr } = await minikubeMachine(service).run([]);

      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain(`model/${model.name}.onnx matches its card.`);
      expect(stdout.match(/^ {2}PASS {2}/gm)).toHaveLength(16);
      expect(stdout).not.toContain("FAIL");
      expect(stdout).toContain(`PASS  200  POST /bulk_predict {"${model.record.plural}":[{"`);
      expect(stdout).toContain(
        `PASS  Redis has a new key: predictions:${service.modelVersion}:bulk_predict:`,
      );
    },
  );
});

describe("a model that cannot be deployed", () => {
  const service = serviceForAll();
  const wineSetting = "    model: model/wine.onnx\n    minReplicas:";

  test.each<[what: string, files: string[], message: string]>([
    ["no file", [], "model/wine.json is not a model card that can be served:\nENOENT: "],
    ["no card", ["wine.onnx"], "model/wine.json is not a model card that can be served:\nENOENT: "],
    ["the card of another model", ["wine.json"], ""],
  ])("the demo fails, and trains nothing, if a model has %s", async (_, files, message) => {
    const host = minikubeMachine(service);
    host.rewrite("Pulumi.dev.yaml", "    minReplicas:", wineSetting);
    for (const name of files) {
      const end = name.replace("wine", "");
      cpSync(`${host.checkout}/model/california-housing${end}`, `${host.checkout}/model/${name}`);
    }
    if (files.includes("wine.json")) writeFileSync(`${host.checkout}/model/wine.onnx`, "wine");

    const { status, stdout, stderr } = await host.run([]);

    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toContain(
      "model/wine.onnx is missing or does not match its card. To write the card: ./run.sh card model/wine.onnx --data FILE.csv",
    );
    expect(stdout).toMatch(/^ +4 .* FAILED$/m);
    expect(host.calls().filter((call) => call.includes("train.ts"))).toEqual([]);
    expect(host.steps()).not.toContain("pulumi up");
  });

  test("the demo fails if the stack selects a model outside of model/", async () => {
    const host = minikubeMachine(service);
    host.rewrite(
      "Pulumi.dev.yaml",
      "    minReplicas:",
      wineSetting.replace("model/wine", "../wine"),
    );

    const { status, stdout, stderr } = await host.run([]);

    expect(status).toBe(1);
    expect(stderr).toContain("an ONNX file in the project's folder model/");
    expect(stdout).toMatch(/^ +4 .* FAILED$/m);
  });
});
