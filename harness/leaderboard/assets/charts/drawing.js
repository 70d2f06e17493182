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
