import { testGuide } from "./guide.ts";

testGuide("LightGBM");
