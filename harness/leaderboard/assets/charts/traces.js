// Traces and their legend. `belongs` names the legend entries that switch a trace on and off.

const phone = matchMedia("(max-width: 40rem)");
const dark = matchMedia("(prefers-color-scheme: dark)");
let paper = false; // while the page is printed
const CROWD = 300; // rows of one look, from which on they are drawn smaller

// Colours that stay apart for colour-blind readers too; each group has a symbol of its own besides.
const LIGHT = "#3451c6 #c98300 #179fa5 #da4668 #491c32 #ad58fe #10583b #7b1977 #946000 #7a65a4".split(" ");
const DARK = "#9db1ff #f39a2e #8ce8e0 #a86cf0 #f0e06a #b54fae #f0483f #f9ba97 #1f8f58 #3fa3a8".split(" ");
const SYMBOLS = "circle square diamond triangle-up triangle-down star hexagon pentagon hourglass cross".split(" ");

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour("text"), muted: colour("muted"), line: colour("line"), strong: colour("line-strong"), surface: colour("surface"),
    accent: colour("accent"), bad: colour("bad"), warn: colour("warn"), shade: (share) => `rgba(${colour("shade")}, ${share})`,
    font: getComputedStyle(document.body).fontFamily, palette: dark.matches && !paper ? DARK : LIGHT,
  };
}

// Train rows are hollow and test rows filled everywhere; where groups have no colours the splits have.
function lookOf(group, split, theme) {
  const index = groups.indexOf(group);
  if (coloured) return { colour: theme.palette[index], symbol: SYMBOLS[index] };
  return { colour: split === "train" ? theme.muted : theme.accent, symbol: "circle" };
}

function markerOf({ colour, symbol }, split, faint, theme, crowd = false) {
  const size = (split === "train" ? 6.5 : 8) + (symbol.startsWith("triangle") ? 1 : 0) - (crowd ? 1.5 : 0); // triangles look small
  const opacity = faint ? 0.25 : split !== "train" ? 0.95 : crowd ? 0.45 : 0.7;
  if (split === "train") return { color: colour, symbol: `${symbol}-open`, size, opacity, line: { width: 1.25 } };
  return { color: colour, symbol, size, opacity, line: { width: 0.75, color: theme.surface } };
}

const partOf = (row) => (row.faint ? "other" : row.split);
const groupKey = (group) => `group ${group}`;

function pointTraces(rows, xOf, yOf, theme) {
  const heaps = new Map();
  for (const row of rows) {
    const key = JSON.stringify([row.faint, row.split, coloured && row.group]);
    if (!heaps.has(key)) heaps.set(key, []);
    heaps.get(key).push(row);
  }
  return [...heaps.values()].map((heap) => ({
    belongs: [partOf(heap[0]), coloured ? groupKey(heap[0].group) : ""],
    mode: "markers", x: heap.map(xOf), y: heap.map(yOf), hovertext: heap.map(hover),
    marker: markerOf(lookOf(heap[0].group, heap[0].split, theme), heap[0].split, heap[0].faint, theme, heap.length > CROWD),
  }));
}

// Legend entries are traces without points, so that "train rows" or a group can stand for many traces.
function pointKeys(rows, theme, where = "") {
  const shown = groups.filter((group) => rows.some((row) => row.group === group));
  const byGroup = coloured && shown.length > 1;
  const key = (part, name, look, split) =>
    ({ belongs: [part], name, mode: "markers", marker: markerOf(look, split, part === "other", theme) });
  const parts = [["train", `train rows${where}`], ["test", `held-out rows${where}`], ["other", "other rows"]];
  return [
    ...(byGroup ? shown.map((group) => key(groupKey(group), safe(group, 28), lookOf(group, "test", theme), "test")) : []),
    ...parts.filter(([part]) => rows.some((row) => partOf(row) === part)).map(([part, name]) =>
      key(part, name, byGroup ? { colour: theme.muted, symbol: "circle" } : lookOf(shown[0], part, theme), part)),
  ];
}

function axis(title, log, theme, values) {
  const large = values.every((value) => !value || Math.abs(value) >= 1);
  return {
    title: { text: title, standoff: 8, font: { size: 13, color: theme.muted } },
    type: log ? "log" : "linear", exponentformat: large ? "B" : "e", minexponent: large ? 3 : 5,
    nticks: log || phone.matches ? 6 : 10, automargin: true,
    ticks: "outside", ticklen: 4, tickcolor: theme.strong, tickfont: { size: 12, color: theme.muted },
    gridcolor: theme.line, linecolor: theme.strong, zeroline: false,
  };
}

const featureAxis = (feature, rows, theme) => axis(titleOf(feature), feature.log, theme, rows.map((row) => row.x[feature.name]));

function span(values, room) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const width = high - low || Math.abs(high) || 1;
  return [low - width * room, high + width * room];
}

const inside = ([low, high]) => (value) => value >= low && value <= high;

// Values far out must not squeeze what was measured into a line: the axis ends near the measured span.
const boundedSpan = (measured, others, room) => span([...measured, ...others.filter(inside(span(measured, room)))], 0.05);
