import { testPages } from "./axe-pages.js";

testPages("dark");
