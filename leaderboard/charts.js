// Draws a page's charts from the tables that stand on it; complete without this.
"use strict";

(() => {

// The tables of the page, which the charts are drawn from.

const main = document.querySelector("main");
const MOST_COLOURS = 10;

// A dash, an empty cell and whatever is not finite are all "no number here".
function number(text) {
  const value = Number(text.replace("\u2212", "-"));
  return text.trim() !== "" && Number.isFinite(value) ? value : null;
}

function readColumns(table) {
  const columns = [...table.tHead.rows[0].cells].map((head) => ({ ...head.dataset, values: [] }));
  for (const row of table.tBodies[0].rows) {
    let cell = row.firstElementChild;
    for (const { values } of columns) {
      values.push(cell?.textContent ?? "");
      cell = cell?.nextElementSibling;
    }
  }
  return columns;
}

const predictionKey = (run, target) => JSON.stringify([run, target]);

function readNumbers(element) {
  const columns = readColumns(element);
  for (const column of columns) if (column.role !== "group") column.values = column.values.map(number);
  const of = (role) => columns.filter((column) => column.role === role);
  return {
    groups: of("group")[0].values,
    features: new Map(of("feature").map((column) => [column.name, column])),
    targets: new Map(of("target").map((column) => [column.name, column])),
    predictions: new Map(of("prediction").map((column) => [predictionKey(column.run, column.target), column.values])),
    runs: of("prediction").map((column) => column.run),
  };
}

// A score below −1, or none at all, counts −1.
function readRuns(element) {
  const { entry, run, score, status } = Object.fromEntries(readColumns(element).map((column) => [column.role, column.values]));
  return entry.map((name, i) => ({
    entry: name.trim(), run: run[i].trim(), status: status[i].trim(), text: score[i].trim(),
    score: Math.min(Math.max(number(score[i]) ?? -1, -1), 1),
  }));
}

const unique = (values) => [...new Set(values)];
const tables = {};
for (const element of document.querySelectorAll("table.numbers[data-split]")) tables[element.dataset.split] = readNumbers(element);
const all = ["train", "test", "curve"].filter((split) => tables[split]).map((split) => tables[split]);
const groups = unique(all.flatMap((table) => table.groups));
const runs = unique(all.flatMap((table) => table.runs));
const targets = [...((tables.train ?? tables.test)?.targets.values() ?? [])];
const features = [...(all[0]?.features.values() ?? [])].map(({ name, unit, log }) => {
  const positive = (table) => table.features.get(name).values.every((value) => value === null || value > 0);
  return { name, unit, log: log === "true" && all.every(positive) };
});
const along = features.find((feature) => feature.name === main.dataset.curveAlong) ?? features[0];
const held = features.filter((feature) => feature !== along);
const coloured = groups.length > 1 && groups.length <= MOST_COLOURS;
const runTable = document.querySelector("table[data-runs]");
const entryRuns = runTable ? readRuns(runTable) : [];
const entries = unique(entryRuns.map((row) => row.entry));

// Words. Names are anybody's text and Plotly reads some HTML: every name passes through `safe` on its way there.

// Without the marks that turn the text around them.
const plain = (text) => text.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

// The isolate around a name keeps right-to-left letters from turning their neighbours.
function safe(text, most = 80) {
  const letters = [...plain(text)];
  const short = letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
  return `\u2068${short.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}\u2069`;
}

const unitOf = ({ unit }) => (unit && unit !== "dimensionless" ? ` (${unit})` : "");
const titleOf = (column, prefix = "") => safe(`${prefix}${column.name}${unitOf(column)}`);
const count = (many, one, more) => `${many} ${many === 1 ? one : more}`;
const runText = () => (/^\d/.test(state.run) ? `run ${state.run}` : `${state.run} run`); // "run 2", or "best run"
const groupText = (group) => (group === null ? "all groups" : `group ${plain(group)}`);

function six(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  const short = size === 0 || (size >= 1e-4 && size < 1e6);
  const text = short ? String(Number(value.toPrecision(6))) : value.toExponential(5).replace(/\.?0+e/, "e");
  return text.replaceAll("-", "\u2212").replace("e+", "e");
}

function hover(row) {
  const kind = { train: "train row", test: "held-out row", curve: "the law" }[row.split];
  const target = safe(state.target.name);
  const lines = [`<b>${safe(row.group, 48)}</b> · ${kind}`];
  for (const { name } of features) lines.push(`${safe(name)} = ${six(row.x[name])}`);
  if (row.measured !== null) lines.push(`measured ${target} = ${six(row.measured)}`);
  if (row.predicted !== null) lines.push(`predicted ${target} = ${six(row.predicted)}`);
  if (row.measured !== null && row.predicted !== null) lines.push(`predicted − measured = ${six(row.predicted - row.measured)}`);
  return lines.join("<br>");
}

// What is chosen. Run, target and group hold for all charts of the page together.

const MOST_LAW_GROUPS = 6;
const best = main.dataset.bestRun;
const state = {
  run: runs.includes(best) ? best : runs[0],
  target: targets[0],
  group: groups.length === 1 ? groups[0] : null, // null: all groups
  lawGroup: groups[0], // where the law stays while the others show all of too many groups
};
const charts = [];

const options = (values, text) => values.map((value) => ({ value, text: text(value) }));
const names = (columns) => options(columns, (column) => column.name);

const RUN = {
  label: "Run", options: options(runs, (run) => (run === best ? `${run} (best)` : run)),
  get: () => state.run, set: (run) => { state.run = run; },
};
const TARGET = {
  label: "Target", options: names(targets),
  get: () => state.target, set: (target) => { state.target = target; },
};
const setGroup = (group) => { Object.assign(state, { group, lawGroup: group ?? state.lawGroup }); };
const GROUP = {
  label: "Group", options: options(groups.length > 1 ? [null, ...groups] : groups, (group) => group ?? "All groups"),
  get: () => state.group, set: setGroup,
};
const ONE_GROUP = { label: "Group", options: options(groups, (group) => group), get: () => state.lawGroup, set: setGroup };
const LAW_GROUP = groups.length > MOST_LAW_GROUPS ? ONE_GROUP : GROUP;

const featureControl = (chart) => ({
  label: "Feature on x", options: names(features), own: true,
  get: () => chart.feature, set: (feature) => { chart.feature = feature; },
});

function zoomControl(chart) {
  const useful = entryRuns.some(({ score }) => score >= 0.9) && entryRuns.some(({ score }) => score < 0.9);
  return {
    label: "Scores", options: options(useful ? [false, true] : [], (zoom) => (zoom ? "Zoom to 0.9 … 1" : "Whole range")), own: true,
    get: () => chart.zoomed, set: (zoomed) => { chart.zoomed = zoomed; },
  };
}

// Rows: one object a data row, for the run and target of the moment.

function rowsOf(split, group) {
  const table = tables[split];
  if (!table) return [];
  const measured = table.targets.get(state.target.name)?.values;
  const predicted = table.predictions.get(predictionKey(state.run, state.target.name));
  return table.groups.map((name, i) => ({
    split,
    group: name,
    x: Object.fromEntries(features.map((feature) => [feature.name, table.features.get(feature.name).values[i]])),
    measured: measured?.[i] ?? null,
    predicted: predicted?.[i] ?? null,
    expected: Boolean(predicted), // whether the run predicted this table at all
  })).filter((row) => group === null || row.group === group);
}

const measuredRows = (group) => [...rowsOf("train", group), ...rowsOf("test", group)].filter((row) => row.measured !== null);

function predictedRows() {
  const expected = measuredRows(state.group).filter((row) => row.expected);
  const rows = expected.filter((row) => row.predicted !== null);
  const lost = expected.length - rows.length;
  const notes = lost ? [`${count(lost, "row has", "rows have")} no finite prediction and cannot be drawn.`] : [];
  return { rows, notes, empty: !rows.length && `There are no predictions of ${state.target.name} here (${runText()}).` };
}

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

// The kinds of charts

function viewPredicted(chart, theme) {
  const { rows, notes, empty } = predictedRows();
  if (empty) return { empty };
  const measured = rows.map((row) => row.measured);
  const predicted = rows.map((row) => row.predicted);
  const ranges = { x: span(measured, 0.05), y: boundedSpan(measured, predicted, 1) };
  const outside = predicted.length - predicted.filter(inside(ranges.y)).length;
  if (outside) {
    notes.push(`${count(outside, "prediction lies", "predictions lie")} outside the drawn range; Autoscale, above the plot, shows all.`);
  }
  const ends = span([...ranges.x, ...ranges.y], 0);
  const line = { color: theme.muted, width: 1.25, dash: "dot" };
  return {
    notes,
    label: `predicted against measured ${state.target.name}, ${runText()}, ${groupText(state.group)}`,
    traces: [
      { belongs: ["same"], mode: "lines", x: ends, y: ends, hoverinfo: "skip", line },
      ...pointTraces(rows, (row) => row.measured, (row) => row.predicted, theme),
    ],
    keys: [...pointKeys(rows, theme), { belongs: ["same"], name: "predicted = measured", mode: "lines", line }],
    x: { ...axis(titleOf(state.target, "measured "), false, theme, measured), range: ranges.x },
    y: { ...axis(titleOf(state.target, "predicted "), false, theme, measured), range: ranges.y },
  };
}

function viewAlong(chart, theme, rows, yOf, what) {
  return {
    label: `${what} ${state.target.name} along ${chart.feature.name}, ${groupText(state.group)}`,
    traces: pointTraces(rows, (row) => row.x[chart.feature.name], yOf, theme),
    keys: pointKeys(rows, theme),
    x: featureAxis(chart.feature, rows, theme),
  };
}

// Where the law was fitted: a reader sees at once how far outside the test rows lie.
function trainBand(feature, theme) {
  const values = rowsOf("train", state.group).map((row) => row.x[feature.name]).filter((value) => value !== null);
  if (!values.length) return [];
  const [x0, x1] = [Math.min(...values), Math.max(...values)];
  return [{
    type: "rect", layer: "between", yref: "paper", x0, x1, y0: 0, y1: 1,
    fillcolor: theme.shade(0.08), line: { width: x0 === x1 ? 2 : 0, color: theme.shade(0.3) },
    label: { text: "train rows", textposition: "top left", font: { size: 12, color: theme.muted } },
  }];
}

function viewResiduals(chart, theme) {
  const { rows, notes, empty } = predictedRows();
  if (empty) return { empty };
  const difference = (row) => row.predicted - row.measured;
  const zero = { type: "line", layer: "between", xref: "paper", x0: 0, x1: 1, y0: 0, y1: 0, line: { color: theme.muted, width: 1.25 } };
  return {
    ...viewAlong(chart, theme, rows, difference, `${runText()}, predicted minus measured`),
    notes,
    shapes: [...trainBand(chart.feature, theme), zero],
    y: axis(safe(`predicted − measured${unitOf(state.target)}`), false, theme, rows.map(difference)),
  };
}

function viewData(chart, theme) {
  const rows = measuredRows(state.group);
  if (!rows.length) return { empty: `There are no measured rows of ${state.target.name} here.` };
  const measured = (row) => row.measured;
  return { ...viewAlong(chart, theme, rows, measured, "measured"), y: axis(titleOf(state.target), false, theme, rows.map(measured)) };
}

const near = (a, b) => a === b || (a !== null && b !== null && Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b)));

function curvesOf(group) {
  const curves = new Map();
  for (const row of rowsOf("curve", group)) curves.set(row.group, [...(curves.get(row.group) ?? []), row]);
  for (const curve of curves.values()) curve.sort((a, b) => a.x[along.name] - b.x[along.name]);
  return curves;
}

// A curve holds the other features fixed. Only rows that share their values can be read off against it.
function markFaint(rows, curves) {
  for (const row of rows) {
    const point = curves.get(row.group)?.[0];
    row.faint = !point || !held.every(({ name }) => near(row.x[name], point.x[name]));
  }
  return rows;
}

function heldNotes(curves) {
  const texts = unique([...curves.values()].map(([point]) => held.map(({ name }) => `${name} = ${six(point.x[name])}`).join(", ")));
  if (texts.length === 1) return held.length ? [`The line holds ${texts[0]}.`] : [];
  return ["Each line holds the other features at the values of its group’s largest train row."];
}

function viewLaw(chart, theme) {
  const group = LAW_GROUP.get();
  const curves = curvesOf(group);
  const curveRows = [...curves.values()].flat();
  const rows = markFaint(measuredRows(group), curves);
  const measured = rows.map((row) => row.measured);
  const levels = curveRows.map((row) => row.predicted).filter((value) => value !== null);
  if (!measured.length && !levels.length) return { empty: `There is nothing to draw for ${state.target.name} here.` };
  const line = (name) => ({ color: lookOf(name, "test", theme).colour, width: 2 });
  const lines = [...curves].map(([name, curve]) => ({
    belongs: ["law", groupKey(name)], mode: "lines", line: line(name), hovertext: curve.map(hover),
    x: curve.map((row) => row.x[along.name]), y: curve.map((row) => row.predicted),
  }));
  const lineKey = { belongs: ["law"], name: `the law, ${safe(runText())}`, mode: "lines",
    line: curves.size > 1 ? { color: theme.muted, width: 2 } : line(group) };
  const points = pointTraces(rows, (row) => row.x[along.name], (row) => row.measured, theme);
  const faint = points.filter((trace) => trace.belongs[0] === "other");
  return {
    group,
    notes: levels.length ? heldNotes(curves) : [`There is no curve of ${state.target.name} here (${runText()}).`],
    label: `the law, ${runText()}, for ${state.target.name} along ${along.name}, with the measured rows, ${groupText(group)}`,
    traces: [...faint, ...lines, ...points.filter((trace) => !faint.includes(trace))],
    keys: [...(levels.length ? [lineKey] : []), ...pointKeys(rows, theme, held.length ? " on this line" : "")],
    x: featureAxis(along, [...rows, ...curveRows], theme),
    y: { ...axis(titleOf(state.target), false, theme, measured), range: boundedSpan(measured.length ? measured : levels, levels, 0.6) },
  };
}

const STATUSES = { ok: ["ok", "accent", "circle"], violation: ["rule broken", "warn", "diamond"], failed: ["failed", "bad", "x"] };
const stripHeight = () => 110 + 28 * entries.length;

// Steps of the golden ratio spread the runs of an entry over its row, the same way every time.
function jittered() {
  const before = new Map();
  return entryRuns.map((row) => {
    const nth = before.get(row.entry) ?? 0;
    before.set(row.entry, nth + 1);
    return { ...row, y: entries.indexOf(row.entry) + 0.44 * (((nth * 0.618 + 0.5) % 1) - 0.5) };
  });
}

function viewStrip(chart, theme) {
  const rows = jittered();
  const low = chart.zoomed ? 0.9 : Math.min(0, ...rows.map((row) => row.score));
  const room = (1 - low) * 0.03;
  const below = rows.filter((row) => row.score < low).length;
  const traces = Object.entries(STATUSES).map(([status, [name, colour, symbol]]) => {
    const some = rows.filter((row) => row.status === status);
    const words = ({ entry, run, text, score }) => `<b>${safe(entry)}</b><br>run ${safe(run)} · ${name}<br>`
      + `score ${safe(text)}${number(text) === score ? "" : `, counts ${six(score)}`}`;
    return {
      belongs: [status], name, mode: "markers", hovertext: some.map(words),
      x: some.map((row) => row.score), y: some.map((row) => row.y),
      marker: { color: theme[colour], symbol, size: 9, opacity: 0.8, line: { width: 0.75, color: theme.surface } },
    };
  }).filter((trace) => trace.x.length);
  return {
    notes: below ? [`${count(below, "run lies", "runs lie")} below 0.9 and outside the picture.`] : [],
    label: "the score of every run of every entry",
    traces,
    keys: traces.length > 1 ? traces.map(({ belongs, name, mode, marker }) => ({ belongs, name, mode, marker })) : [],
    x: { ...axis("score of a run", false, theme, [0.5]), range: [low - room, 1 + room] },
    y: {
      ...axis("", false, theme, []), range: [entries.length - 0.5, -0.5], fixedrange: true, ticks: "",
      tickvals: [...entries.keys()], ticktext: entries.map((entry) => safe(entry, phone.matches ? 15 : 44)),
      tickfont: { size: 12, color: theme.text },
    },
    height: stripHeight(),
  };
}

const hasTargets = () => targets.length > 0 && features.length > 0;
const hasRuns = () => hasTargets() && runs.length > 0;
const KINDS = {
  predicted: { usable: hasRuns, view: viewPredicted, controls: () => [RUN, TARGET, GROUP] },
  residuals: { usable: hasRuns, view: viewResiduals, controls: (chart) => [RUN, TARGET, GROUP, featureControl(chart)] },
  law: { usable: () => hasRuns() && Boolean(tables.curve), view: viewLaw, controls: () => [RUN, TARGET, LAW_GROUP] },
  data: { usable: hasTargets, view: viewData, controls: (chart) => [featureControl(chart), TARGET, GROUP] },
  strip: { usable: () => entries.length > 0, view: viewStrip, controls: (chart) => [zoomControl(chart)], height: stripHeight },
};

// Drawing

const script = document.currentScript;
const HEIGHT = 380;
const PAPER = 640; // about a chart's width on A4 and on Letter
const MOST_LEGEND_ITEMS = 12;

// The legend stands below the plot; its rows are counted so that it makes the figure higher and not the plot smaller.
function legendHeight(keys, width) {
  if (!keys.length || keys.length > MOST_LEGEND_ITEMS) return 0;
  const widths = keys.map((key) => [...plain(key.name).replace(/&\w+;/g, "_")].length * 6.8 + 44);
  const across = Math.max(1, Math.floor((width - 62) / Math.max(...widths)));
  const oneRow = widths.reduce((sum, each) => sum + each) <= width - 62;
  return 6 + 20 * (oneRow ? 1 : Math.ceil(keys.length / across));
}

function layoutOf(chart, view, theme) {
  const wide = paper ? PAPER : chart.plot.clientWidth;
  const extra = legendHeight(view.keys, wide);
  const clear = "rgba(0,0,0,0)";
  const font = { family: theme.font, size: 13, color: theme.text };
  return {
    height: (view.height ?? HEIGHT) + extra, width: paper ? wide : undefined, autosize: !paper, margin: { l: 48, r: 14, t: 28, b: 50 + extra },
    paper_bgcolor: clear, plot_bgcolor: clear, font, hovermode: "closest",
    hoverlabel: { align: "left", bgcolor: theme.surface, bordercolor: theme.strong, font: { ...font, size: 12.5 } },
    modebar: { bgcolor: clear, color: theme.muted, activecolor: theme.accent },
    // A finger that moves over a plot means to scroll the page.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    // A reader's zoom outlives another run or another colour scheme, but not another group, target or feature.
    uirevision: JSON.stringify([state.target?.name, view.group ?? state.group, chart.feature?.name, chart.zoomed]),
    showlegend: extra > 0,
    legend: {
      orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom",
      font: { ...font, size: 12.5 }, bgcolor: clear, itemdoubleclick: false,
    },
    shapes: view.shapes ?? [], xaxis: view.x, yaxis: view.y,
  };
}

function tracesOf(chart, view) {
  const hidden = (part) => chart.hidden.has(part);
  const traces = view.traces.map(({ belongs, ...trace }) =>
    ({ type: "scatter", hoverinfo: "text", ...trace, showlegend: false, visible: !belongs.some(hidden) }));
  const keys = view.keys.map(({ belongs, ...trace }) =>
    ({ type: "scatter", x: [null], y: [null], ...trace, showlegend: true, meta: belongs[0],
      visible: belongs.some(hidden) ? "legendonly" : true }));
  return [...traces, ...keys];
}

// Nothing may leave the page: Plotly's button that uploads a chart is switched off.
function configOf(chart, Plotly) {
  const filename = `${document.title} ${chart.kind}`.replace(/[^A-Za-z0-9.]+/g, "_").slice(0, 90);
  const click = (plot) => Plotly.downloadImage(plot, { format: "svg", filename });
  return {
    responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
    modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d"],
    modeBarButtonsToAdd: [{ name: "svg", title: "Download plot as SVG", icon: Plotly.Icons.disk, click }],
    toImageButtonOptions: { format: "png", scale: 2, filename },
  };
}

function showNote(chart, ...content) {
  chart.note.replaceChildren(...content);
  chart.note.hidden = !chart.note.textContent;
}

function showFailure(chart) {
  const command = element("code", "");
  command.textContent = "sld leaderboard";
  chart.controls.remove();
  chart.plot.remove();
  showNote(chart, "The charts need plotly.min.js beside this page; ", command, " writes it. The numbers are in the tables.");
}

async function draw(chart) {
  const Plotly = await loadPlotly();
  if (!Plotly) return showFailure(chart);
  const theme = readTheme();
  const view = KINDS[chart.kind].view(chart, theme);
  showNote(chart, view.empty || (view.notes ?? []).join(" "));
  chart.plot.hidden = Boolean(view.empty);
  if (view.empty) return;
  chart.config ??= configOf(chart, Plotly);
  chart.plot.style.height = "";
  chart.plot.setAttribute("aria-label", `Chart: ${view.label}. The numbers are in the tables of this page.`);
  const layout = layoutOf(chart, view, theme);
  await Plotly.react(chart.plot, tracesOf(chart, view), layout, chart.config);
  fit(chart, layout);
  if (chart.figure.classList.contains("drawn")) return;
  chart.figure.classList.add("drawn");
  chart.plot.on("plotly_legendclick", (event) => toggle(chart, event.data[event.curveNumber].meta));
}

// How wide the paper is, is known only while it is printed: charts are scaled to it by the style sheet.
function fit(chart, { width, height }) {
  for (const svg of chart.plot.querySelectorAll(".main-svg")) {
    if (width) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    else svg.removeAttribute("viewBox");
  }
  chart.plot.style.setProperty("--paper", width ? `${width} / ${height}` : "auto");
}

// Plotly would hide the legend's own empty trace; we hide what the entry stands for.
function toggle(chart, part) {
  if (!chart.hidden.delete(part)) chart.hidden.add(part);
  draw(chart);
  return false;
}

function redrawAll() {
  for (const chart of charts) {
    for (const sync of chart.syncs) sync();
    if (chart.arrived) draw(chart);
  }
}

// Plotly is large: it is asked for once, and only when a reader comes near a chart. Null where it is missing.
let loading;
function loadPlotly() {
  loading ??= new Promise((resolve) => {
    const tag = element("script", "");
    tag.src = script.dataset.plotly;
    tag.onload = () => resolve(window.Plotly ?? null);
    tag.onerror = () => resolve(null);
    document.head.append(tag);
  });
  return loading;
}

// Figures

function element(name, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  return made;
}

function addSelect(chart, control) {
  if (control.options.length < 2) return;
  const select = element("select");
  for (const { text } of control.options) {
    const item = element("option");
    item.textContent = plain(text);
    select.append(item);
  }
  const sync = () => { select.selectedIndex = control.options.findIndex(({ value }) => value === control.get()); };
  select.addEventListener("change", () => {
    control.set(control.options[select.selectedIndex].value);
    if (control.own) draw(chart);
    else redrawAll();
  });
  sync();
  chart.syncs.push(sync);
  const label = element("label");
  label.append(control.label, select);
  chart.controls.append(label);
}

function prepare(figure) {
  const kind = figure.dataset.chart;
  if (!KINDS[kind]?.usable()) return;
  const chart = {
    kind, figure, feature: along, zoomed: false, arrived: false, syncs: [],
    hidden: new Set(), // what the reader has switched off in the legend
    controls: element("div", "chart-controls"), plot: element("div", "chart-plot"), note: element("p", "chart-note"),
  };
  for (const control of KINDS[kind].controls(chart)) addSelect(chart, control);
  chart.plot.setAttribute("role", "group");
  chart.plot.style.height = `${(KINDS[kind].height?.() ?? HEIGHT) + 26}px`; // until Plotly sets its own
  chart.note.hidden = true;
  if (chart.syncs.length) figure.append(chart.controls);
  figure.append(chart.plot, chart.note);
  figure.hidden = false;
  charts.push(chart);
}

function arrive(chart) {
  chart.arrived = true;
  draw(chart);
}

// Paper is light, narrow and not scrolled through; what is drawn by then is what is printed.
function forPaper(now) {
  paper = now;
  document.documentElement.classList.toggle("paper", now);
  if (now) for (const chart of charts) chart.arrived = true;
  redrawAll();
}

function watch() {
  if (!("IntersectionObserver" in window)) return charts.forEach(arrive);
  const observer = new IntersectionObserver((seen) => {
    for (const { target } of seen.filter((each) => each.isIntersecting)) {
      observer.unobserve(target);
      arrive(charts.find((chart) => chart.figure === target));
    }
  }, { rootMargin: "400px 0px" });
  charts.forEach((chart) => observer.observe(chart.figure));
}

document.querySelectorAll("figure.chart[data-chart]").forEach(prepare);
dark.addEventListener("change", redrawAll);
phone.addEventListener("change", redrawAll);
addEventListener("beforeprint", () => forPaper(true));
addEventListener("afterprint", () => forPaper(false));
// Printing does not wait for a script: it is fetched when the page has nothing else to do.
if (charts.length) addEventListener("load", () => (window.requestIdleCallback ?? setTimeout)(loadPlotly));
watch();

})();
