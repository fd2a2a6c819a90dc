import { testLooks } from "./access-looks.js";

testLooks("dark");
