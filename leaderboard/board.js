// Sorts and filters the tables of the index, shows one way of counting runs at a time, and leads
// from two chosen entries to the page that compares them. The pages are complete without this.
"use strict";

const NONE = new Set(["", "None", "–"]);

function sortValue(cell) {
  const text = (cell.dataset.sort ?? cell.textContent).trim();
  if (NONE.has(text)) return null;
  const number = Number(text);
  return Number.isNaN(number) ? text.toLocaleLowerCase() : number;
}

// What is not there comes last, whichever way the rest is sorted.
function compareValues(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  if (a < b) return -direction;
  return a > b ? direction : 0;
}

function sortTable(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [sortValue(row.cells[column]), row]);
  rows.sort((a, b) => compareValues(a[0], b[0], direction) || a[1].dataset.place - b[1].dataset.place);
  body.append(...rows.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    if (index === column) head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  });
  table.classList.toggle("reordered", !(column === 0 && direction > 0));
}

function makeSortable(table) {
  [...table.tBodies[0].rows].forEach((row, place) => { row.dataset.place = place; });
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if ("unsorted" in head.dataset) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    // Figures are looked at from the best down, ranks and names from the first up.
    const first = column > 0 && head.classList.contains("num") ? -1 : 1;
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const up = now === null ? first > 0 : now === "descending";
      sortTable(table, column, up ? 1 : -1);
    });
  });
  table.tHead.rows[0].cells[0].setAttribute("aria-sort", "ascending");
}

function matches(row, chosen) {
  return (!chosen.agent || row.dataset.agent === chosen.agent)
    && (!chosen.model || row.dataset.model === chosen.model)
    && (!chosen.format || row.dataset.formats.split(" ").includes(chosen.format));
}

function makeToolbar(form) {
  const tables = [...document.querySelectorAll("table[data-board]")];
  const readings = [...document.querySelectorAll("[data-reading]")];
  const said = form.querySelector("[data-matches]");

  function show() {
    const chosen = Object.fromEntries(new FormData(form));
    for (const part of readings) {
      // A suite that does not know the chosen way of counting keeps its usual one.
      const others = [...part.parentElement.querySelectorAll(":scope > [data-reading]")];
      const known = others.some((other) => other.dataset.reading === chosen.reading);
      part.hidden = part.dataset.reading !== (known ? chosen.reading : others[0].dataset.reading);
    }
    const found = new Set();
    const all = new Set();
    for (const table of tables) {
      for (const row of table.tBodies[0].rows) {
        const entry = `${row.dataset.agent}/${row.dataset.model}`;
        row.hidden = !matches(row, chosen);
        all.add(entry);
        if (!row.hidden) found.add(entry);
      }
    }
    const filtered = chosen.agent || chosen.model || chosen.format;
    tables.forEach((table) => table.classList.toggle("filtered", Boolean(filtered)));
    said.textContent = filtered ? `${found.size} of ${all.size} entries` : "";
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
}

function makeCompare(form) {
  const links = new Map();
  for (const link of document.querySelectorAll("a[data-a]")) {
    links.set(`${link.dataset.a} ${link.dataset.b}`, link.getAttribute("href"));
  }
  const said = form.querySelector("[role=status]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const a = form.elements.namedItem("a").value;
    const b = form.elements.namedItem("b").value;
    const page = links.get(`${a} ${b}`) ?? links.get(`${b} ${a}`);
    if (page) location.assign(page);
    else if (a === b) said.textContent = "Choose two different entries.";
    else said.textContent = `There is no page for these two; run: sld compare ${a} ${b}`;
  });
  form.hidden = false;
}

document.querySelectorAll("table[data-board]").forEach(makeSortable);
document.querySelectorAll("form[data-toolbar]").forEach(makeToolbar);
document.querySelectorAll("form[data-compare]").forEach(makeCompare);
