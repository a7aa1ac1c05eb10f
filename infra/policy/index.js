// JavaScript, because Pulumi has ts-node compile a policy pack's entry, which refuses to import from
// a file ending in .ts. What this one imports, Node.js runs as it is.
import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules.ts";

new PolicyPack("prediction-service", { policies: rules, enforcementLevel: "mandatory" });
