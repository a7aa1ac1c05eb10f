import { testGuide } from "./guide.ts";

testGuide("XGBoost");
