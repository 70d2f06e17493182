// Turns each suite's list of links into tabs, and opens the run that the address names.
// The pages are complete without this.
"use strict";

function target() {
  const written = location.hash.slice(1);
  try {
    return decodeURIComponent(written);
  } catch {
    return written;  // a percent sign that encodes nothing
  }
}

function makeTabs(list) {
  const tabs = [...list.querySelectorAll("a")];
  const panels = tabs.map((tab) => document.getElementById(tab.hash.slice(1)));

  function select(index, focus) {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
      panels[i].hidden = i !== index;
    });
    if (focus) tabs[index].focus();
    list.scrollLeft += tabs[index].getBoundingClientRect().left
      - list.getBoundingClientRect().left - list.clientWidth / 3;
  }

  function choose(index, focus) {
    select(index, focus);
    history.replaceState(null, "", tabs[index].hash);
  }

  function fromAddress() {
    const named = target();
    // Links of old have a suite's or a task's bare name.
    const ids = document.getElementById(named) ? [named] : [`all-${named}`, `task-${named}`];
    const index = panels.findIndex((panel) => ids.includes(panel.id));
    if (index < 0) return false;
    select(index, false);
    if (panels[index].id !== named) panels[index].scrollIntoView();
    return true;
  }

  list.setAttribute("role", "tablist");
  tabs.forEach((tab, i) => {
    tab.id = `tab-${panels[i].id}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panels[i].id);
    panels[i].setAttribute("role", "tabpanel");
    panels[i].setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      choose(i, true);
    });
  });
  list.addEventListener("keydown", (event) => {
    const now = tabs.indexOf(document.activeElement);
    const last = tabs.length - 1;
    const next = {
      ArrowRight: now === last ? 0 : now + 1,
      ArrowLeft: now === 0 ? last : now - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (now < 0 || next === undefined) return;
    event.preventDefault();
    choose(next, true);
  });
  addEventListener("hashchange", fromAddress);
  if (!fromAddress()) select(0, false);
}

function openNamedRun() {
  const named = target() && document.getElementById(target());
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
}

document.documentElement.classList.add("js");
document.querySelectorAll("[data-tabs]").forEach(makeTabs);
addEventListener("hashchange", openNamedRun);
openNamedRun();
