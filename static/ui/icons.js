// @ts-check
/**
 * The icons: 24 × 24, stroked with the text colour.
 *
 * It must never hold more than shapes.
 */

const SHAPES = {
  pen: "M4 20c.4-3 1.2-4.6 2.6-6L16.8 3.8a1.9 1.9 0 0 1 2.7 0l.7.7a1.9 1.9 0 0 1 0 2.7L10 17.4C8.6 18.8 7 19.6 4 20ZM14.5 6.100l3.4 3.4",
  marker: "M9.2 13.8 17.6 4a1.5 1.5 0 0 1 2.2-.1l.4.4a1.5 1.5 0 0 1 0 2.200l-9.7 8.500M9.2 13.800c-2 .3-2.7 1.6-2.9 3L4 19.500h5.200c1.4-.2 2.7-1.5 2.3-3.500ZM4 22h16",
  line: "M5 19 19 5",
  arrow: "M5 19 19 5M9.5 5H19v9.5",
  rectangle: "M5.5 6h13a1.5 1.5 0 0 1 1.5 1.500v9a1.5 1.5 0 0 1-1.5 1.500h-13A1.5 1.5 0 0 1 4 16.500v-9A1.5 1.5 0 0 1 5.5 6Z",
  ellipse: "M12 5.500c4.7 0 8.5 2.9 8.5 6.500s-3.8 6.5-8.5 6.500S3.5 15.6 3.5 12 7.3 5.5 12 5.500Z",
  text: "M5 7V4.500h14V7M12 4.500v15M9 19.500h6",
  eraser: "m8.5 19.5-4.3-4.300a1.8 1.8 0 0 1 0-2.500l8.5-8.500a1.8 1.8 0 0 1 2.5 0l4.6 4.600a1.8 1.8 0 0 1 0 2.500l-8.3 8.200ZM8.6 8.300l7 7M7.5 19.500H20",
  hand: "M8 12.500V6a1.5 1.5 0 0 1 3 0v5M11 11V4.500a1.5 1.5 0 0 1 3 0V11M14 11V6a1.5 1.5 0 0 1 3 0v6M17 10a1.5 1.5 0 0 1 3 0v4.500c0 4-2.6 6.5-6.3 6.5-3 0-4.5-1.1-5.9-3.300L4.6 13.400a1.5 1.5 0 0 1 2.5-1.700L8 13",
  undo: "M8.5 5 4 9.5 8.5 14M4.5 9.500H14a5.5 5.5 0 0 1 0 11h-3.5",
  redo: "M15.5 5 20 9.5 15.5 14M19.5 9.500H10a5.5 5.5 0 0 0 0 11h3.5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V5.500A1.5 1.5 0 0 1 5.5 4H9M15 4h3.500A1.5 1.5 0 0 1 20 5.500V9M20 15v3.500a1.5 1.5 0 0 1-1.5 1.500H15M9 20H5.500A1.5 1.5 0 0 1 4 18.500V15M9 12h6M12 9v6",
  help: "M9 9a3 3 0 1 1 4.400 2.600c-.9.5-1.4 1-1.4 2.200M12 17.200v.1M12 3.500a8.500 8.500 0 1 1 0 17 8.500 8.500 0 0 1 0-17Z",
  close: "M6 6l12 12M18 6 6 18",
  locate: "M12 7.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9ZM12 3.500v4M12 16.500v4M3.500 12h4M16.500 12h4",
  eye: "M3 12c2.200-4 5.200-6 9-6s6.800 2 9 6c-2.200 4-5.200 6-9 6s-6.800-2-9-6ZM12 9.300a2.700 2.700 0 1 1 0 5.400 2.700 2.700 0 0 1 0-5.400Z",
  call: "M4 10.500v3a1 1 0 0 0 1 1h2.500l7.500 4V5.500l-7.500 4H5a1 1 0 0 0-1 1ZM18 9.500a3.500 3.500 0 0 1 0 5M8.500 14.800l1 4.200h2.300",
  check: "M5 12.500l4.500 4.500L19 7.500",
  language: "M12 3.500a8.500 8.500 0 1 1 0 17 8.500 8.500 0 0 1 0-17ZM3.500 12h17M12 3.500c2.600 2.300 3.800 5.200 3.800 8.500s-1.200 6.200-3.800 8.500c-2.600-2.300-3.800-5.200-3.800-8.500s1.200-6.200 3.800-8.500Z",
  share: "M10 14a4 4 0 0 0 5.7 0l3.1-3.100a4 4 0 0 0-5.7-5.700L11.7 6.600M14 10a4 4 0 0 0-5.7 0l-3.1 3.100a4 4 0 0 0 5.7 5.700l1.4-1.4",
  home: "M4 6.500h6.500V13H4ZM13.5 6.500H20V11h-6.500ZM13.5 14H20v5.500h-6.500ZM4 16h6.500v3.500H4Z",
  rename: "M4.5 19.500c.3-2.2.9-3.4 1.9-4.400L15.6 6a1.6 1.6 0 0 1 2.3 0l.6.6a1.6 1.6 0 0 1 0 2.300l-9.2 9.100c-1 1-2.5 1.4-4.8 1.500Z",
  delete: "M4.5 7h15M9.5 7V4.500h5V7M6.5 7l.8 11.600a1.5 1.5 0 0 0 1.5 1.400h6.400a1.5 1.5 0 0 0 1.5-1.400L17.5 7M10.3 11v5M13.7 11v5",
};

/** Those that point along the direction of reading, and are mirrored where it is from right to left.
 * @type {readonly string[]} */
const DIRECTED = ["undo", "redo"];

/** @typedef {keyof typeof SHAPES} IconName */

/** @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  if (DIRECTED.includes(name)) svg.classList.add("directed");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}
