// ONNX Runtime reads this variable when it is loaded. Without it, it sends usage data over the
// network.
Object.assign(process.env, { ORT_DISABLE_TELEMETRY: "1" });
