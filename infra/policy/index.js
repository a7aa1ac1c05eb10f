// JavaScript, because Pulumi compiles the entry of a policy pack with ts-node, which refuses
// imports of files that end in .ts. Node.js runs the imported file without compiling it.
import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules.ts";

new PolicyPack("prediction-service", { policies: rules, enforcementLevel: "mandatory" });
