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
