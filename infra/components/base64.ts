import * as pulumi from "@pulumi/pulumi";

/** Encodes a value of a Secret's `data`. If the value is secret, so is the result. */
export const base64 = (text: pulumi.Input<string>): pulumi.Output<string> =>
  pulumi.output(text).apply((plain) => Buffer.from(plain).toString("base64"));
