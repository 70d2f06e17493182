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
