import { testPages } from "./axe-pages.js";

testPages("light");
