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
