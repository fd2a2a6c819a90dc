import { testLooks } from "./access-looks.js";

testLooks("light");
