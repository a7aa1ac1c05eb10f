// ONNX Runtime reads this when it is loaded; where it is unset it reports its use over the network.
Object.assign(process.env, { ORT_DISABLE_TELEMETRY: "1" });
