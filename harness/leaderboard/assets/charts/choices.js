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
