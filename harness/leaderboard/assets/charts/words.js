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
