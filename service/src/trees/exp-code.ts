import type { WasmFunction, WasmModule } from "./wasm.ts";

/** 2^(i/32) for i from 0 to 31. */
const rootsOfTwo = Float64Array.of(
  1,
  1.0218971486541166,
  1.0442737824274138,
  1.0671404006768237,
  1.0905077326652577,
  1.1143867425958924,
  1.1387886347566916,
  1.1637248587775775,
  1.189207115002721,
  1.215247359980469,
  1.241857812073484,
  1.2690509571917332,
  1.2968395546510096,
  1.3252366431597413,
  1.3542555469368927,
  1.383909881963832,
  Math.SQRT2,
  1.4451808069770467,
  1.4768261459394993,
  1.5091644275934228,
  1.5422108254079407,
  1.5759808451078865,
  1.6104903319492543,
  1.645755478153965,
  1.681792830507429,
  1.718619298122478,
  1.7562521603732995,
  1.7947090750031072,
  1.8340080864093424,
  1.8741676341103,
  1.9152065613971474,
  1.9571441241754002,
);

/** 32 / ln 2 as the sum of two numbers whose products with a float32 are exact. */
const scale = 46.16624130844683;
const scaleHigh = 46.166229248046875;
const scaleLow = scale - scaleHigh;

/** 2^(r/32) is about 1 + r (a + r (b + r c)) for r from -1/2 to 1/2. */
const a = 0.021660849396613134;
const b = 0.00023459809789509004;
const c = 1.6938359250920212e-6;

/** In float32, e^x is Infinity above this limit, and 0 below its negative. */
const limit = 150;

/**
 * Defines a function that computes e^x of four float32 numbers. ONNX Runtime calls `expf` of the
 * GNU C library, whose result is not always the nearest float32. This function takes the same steps in
 * float64: if k is the nearest integer to 32 x / ln 2 and r is the rest, e^x is 2^(k/32) 2^(r/32).
 */
export function defineExp(module: WasmModule): WasmFunction {
  const roots = module.place(rootsOfTwo);
  const ofOne = module.define(["f32"], ["f32"], (code, argument) => {
    const x = code.variable("f64");
    const k = code.variable("f64");
    const r = code.variable("f64");
    const power = code.variable("i32");
    code.get(argument).f32(-limit).op("f32.max").f32(limit).op("f32.min");
    code.op("f64.promote_f32").tee(x).f64(scale).op("f64.mul").op("f64.nearest").tee(k);
    code.op("i32.trunc_sat_f64_s").set(power);
    code.get(x).f64(scaleHigh).op("f64.mul").get(k).op("f64.sub");
    code.get(x).f64(scaleLow).op("f64.mul").op("f64.add").set(r);
    // (c r + b) r² + (a r + 1)
    code.f64(c).get(r).op("f64.mul").f64(b).op("f64.add");
    code.get(r).get(r).op("f64.mul").op("f64.mul");
    code.f64(a).get(r).op("f64.mul").f64(1).op("f64.add").op("f64.add");
    // The last five bits of k select the root. The other bits are added to its exponent.
    code.get(power).i32(31).op("i32.and").i32(3).op("i32.shl").memory("i64.load", roots);
    code.get(power).i32(5).op("i32.shr_s").op("i64.extend_i32_s").i64(52).op("i64.shl");
    code.op("i64.add").op("f64.reinterpret_i64").op("f64.mul").op("f32.demote_f64");
  });
  return module.define(["v128"], ["v128"], (code, x) => {
    code.get(x);
    for (let lane = 0; lane < 4; lane += 1) {
      code.get(x).lane("f32x4.extract_lane", lane).call(ofOne).lane("f32x4.replace_lane", lane);
    }
  });
}
