import { readFileSync, writeFileSync } from "node:fs";
import { coversOf } from "../service/src/explain/covers.ts";
import { readTreeModel } from "../service/src/trees/tree-model.ts";
import { readOnnxGraph } from "../service/src/trees/onnx-file.ts";
import { explainedTrees } from "../service/src/explain/explained-trees.ts";
import { trainingMatrix } from "./src/housing-samples.ts";
import * as ds from "./src/dataset.ts";
console.log(Object.keys(ds));
const onnx = readFileSync("model/california-housing.onnx");
const m = readTreeModel(readOnnxGraph(onnx), { output: "MedHouseVal" });
try { const t = explainedTrees(m); console.log("ok", Object.keys(t)); } catch (e) { console.log(String(e)); }
