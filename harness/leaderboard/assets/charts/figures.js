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
