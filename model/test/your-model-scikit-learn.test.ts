import { testGuide } from "./guide.ts";

testGuide("scikit-learn");
