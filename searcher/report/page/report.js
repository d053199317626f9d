"use strict";
// Draws the figures of the page, in light or dark, when they come into view; the what-if panel; the table; downloads.

const DATA = JSON.parse(document.getElementById("data").textContent);
const FIGURES = new Map(DATA.figures.map((figure) => [figure.name, figure]));
const DARK_QUERY = window.matchMedia("(prefers-color-scheme: dark)");
const MOTION_FREE = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: "reset" };
const drawn = new Set();
let printing = false;

// ---- themes -------------------------------------------------------------------------------------------------------

const TO_DARK = new Map(Object.entries(DATA.themes.light).map(([role, colour]) => [colour, DATA.themes.dark[role]]));

function isDark() {
  return DARK_QUERY.matches && !printing;
}

// The same figure in the colours of the page: figures come in those of a light one.
function themed(value) {
  if (typeof value === "string") {
    if (value.startsWith("\u0001")) return DATA.shared[Number(value.slice(1))]; // a long text is kept once
    return isDark() ? (TO_DARK.get(value) ?? value) : value;
  }
  if (Array.isArray(value)) return value.map(themed);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, themed(part)]));
  }
  return value;
}

// ---- drawing ------------------------------------------------------------------------------------------------------

function place(name) {
  return document.querySelector(`[data-plot="${name}"]`);
}

function narrow(element) {
  return element.clientWidth < 560;
}

// On a phone: names at the bars get short, legends and margins small.
function fitted(figure, element) {
  const { data, layout } = themed(figure.plot);
  if (printing) layout.width = 680;
  if (narrow(element)) {
    layout.margin = { ...layout.margin, l: 12, r: 8 };
    layout.legend = { ...layout.legend, font: { ...(layout.legend?.font ?? {}), size: 11 } };
    layout.font = { ...layout.font, size: 12 };
    if (figure.short) for (const trace of data) trace.y = figure.short;
    if (layout.xaxis2) stack(layout);
  }
  return { data, layout };
}

// Two panels side by side stand one below the other.
function stack(layout) {
  layout.grid = { ...layout.grid, rows: 2, columns: 1 };
  layout.height = 1.9 * layout.height;
  Object.assign(layout.xaxis, { domain: [0, 1] });
  Object.assign(layout.xaxis2, { domain: [0, 1] });
  Object.assign(layout.yaxis, { domain: [0.6, 1] });
  Object.assign(layout.yaxis2, { domain: [0, 0.4] });
}

function draw(name) {
  const element = place(name);
  if (!element) return null;
  const { data, layout } = fitted(FIGURES.get(name), element);
  element.style.minHeight = `${layout.height}px`;
  drawn.add(name);
  return Plotly.react(element, data, layout, MOTION_FREE).then(() => {
    element.dataset.drawn = "yes";
  });
}

function redraw() {
  for (const name of drawn) draw(name);
  if (panel && panel.started) panel.update();
}

function drawWhenSeen() {
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        watcher.unobserve(entry.target);
        if (entry.target.dataset.plot) draw(entry.target.dataset.plot);
        else panel.start();
      }
    },
    { rootMargin: "400px" },
  );
  for (const element of document.querySelectorAll("[data-plot], #whatif-front")) watcher.observe(element);
}

// ---- downloads ----------------------------------------------------------------------------------------------------

function save(text, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function download(button) {
  const { figure: name, format } = button.dataset;
  if (format === "csv") {
    save(FIGURES.get(name).csv, `${name}.csv`, "text/csv");
    return;
  }
  const element = place(name);
  if (!drawn.has(name)) await draw(name);
  Plotly.downloadImage(element, { format, filename: name, width: 960, height: FIGURES.get(name).height, scale: 2 });
}

async function copy(button) {
  const { command } = button.dataset;
  try {
    await navigator.clipboard.writeText(command);
  } catch {
    // A page from a file may not be allowed to: select a field and copy as browsers always could.
    const field = document.createElement("textarea");
    field.value = command;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  document.getElementById("said").textContent = `copied: ${command}`;
  button.textContent = "copied";
  setTimeout(() => (button.textContent = "copy"), 1500);
}

// ---- table --------------------------------------------------------------------------------------------------------

function sortBy(header) {
  const table = header.closest("table");
  const headers = [...table.tHead.rows[0].cells];
  const column = headers.indexOf(header);
  const upwards = header.getAttribute("aria-sort") !== "ascending";
  for (const other of headers) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", upwards ? "ascending" : "descending");
  const value = (row) => {
    const text = row.cells[column].dataset.value;
    return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
  };
  const rows = [...table.tBodies[0].rows].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
  table.tBodies[0].append(...(upwards ? rows : rows.reverse()));
}

// ---- what if ------------------------------------------------------------------------------------------------------

const panel = DATA.whatif && makePanel(DATA.whatif);

function makePanel(given) {
  const { constants, options, rates, loads, blues, colours } = given;
  const form = document.getElementById("whatif");
  const own = {
    device_factor: 1,
    server_factor: 1,
    uplink_mbps: constants.uplink_mbps,
    rtt_ms: constants.rtt_ms,
    server_load: constants.server_load,
  };
  const scales = {
    device_factor: { to: (v) => 10 ** v, from: Math.log10, show: (v) => `× ${short(v)}` },
    server_factor: { to: (v) => 10 ** v, from: Math.log10, show: (v) => `× ${short(v)}` },
    uplink_mbps: { to: (v) => 10 ** v, from: Math.log10, show: (v) => `${short(v)} Mbit/s` },
    rtt_ms: { to: (v) => 10 ** v, from: Math.log10, show: (v) => `${short(v)} ms` },
    server_load: { to: Number, from: Number, show: (v) => `${Math.round(100 * v)} %` },
  };
  const scenario = { ...own };
  let waiting = false;

  function short(value) {
    return Number(value.toPrecision(3)).toString();
  }

  // A slider knows steps; until it is moved, the run's own value stands exactly.
  function reset() {
    Object.assign(scenario, own);
    for (const name of Object.keys(own)) {
      const slider = form.elements[name];
      slider.value = scales[name].from(own[name]);
      tell(name);
    }
    later();
  }

  function tell(name) {
    const words = scales[name].show(scenario[name]);
    form.elements[name].setAttribute("aria-valuetext", words);
    document.getElementById(`${name}-value`).textContent = words;
  }

  function later() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      update();
    });
  }

  function chosen() {
    const drop = form.elements.drop.value === "any" ? Infinity : Number(form.elements.drop.value);
    const byEnergy = form.elements.cost?.value === "energy";
    return {
      ways: WhatIf.eligible(options, given.teacher_accuracy, drop),
      cost: byEnergy ? WhatIf.energy : WhatIf.latency,
      unit: byEnergy ? "mJ" : "ms",
    };
  }

  function update() {
    const { ways, cost, unit } = chosen();
    const [first, second] = WhatIf.ranking(constants, ways, scenario, cost);
    const title = (way) => (way.trial === null ? way.label : `${way.name} (${way.label})`);
    const lead = unit === "ms" ? "Fastest" : "Least energy";
    const rival = second ? `; next: ${title(second.option)}, ${short(second.cost)} ${unit}` : "";
    document.getElementById("winner").textContent = `${lead}: ${title(first.option)}, ${short(first.cost)} ${unit}${rival}.`;
    drawFront(cost, unit);
    if (!constants.is_trace) drawMap(ways, cost, unit);
  }

  // Accuracy against cost under the scenario; the pale rings are where the run itself had them.
  function drawFront(cost, unit) {
    const light = DATA.themes.light;
    const rows = options.map((option) => ({ option, x: cost(constants, option, scenario), was: cost(constants, option, own) }));
    const splits = rows.filter((row) => row.option.trial !== null);
    const front = splits.filter((a) => !splits.some((b) => better(b, a))).sort((a, b) => a.x - b.x);
    const rest = splits.filter((row) => !front.includes(row));
    const traces = [
      dots(rows.filter((row) => row.option.on_front), "was", "at the run's own target", {
        symbol: "circle-open", size: 9, color: light.other,
      }),
      dots(rest, "x", "trained", { size: 6, color: light.other }),
      { ...dots(front, "x", "front of accuracy and " + (unit === "ms" ? "latency" : "energy"), { size: 10, color: light.front }),
        mode: "lines+markers", line: { shape: "hv", color: light.front_soft, width: 2 } },
      ...rows.filter((row) => row.option.trial === null).map((row) => ({
        ...dots([row], "x", row.option.label, { size: 9, color: colours[row.option.name], symbol: "diamond" }),
        showlegend: ["local", "server_raw"].includes(row.option.name),
      })),
    ];
    const base = FIGURES.get(given.front).plot.layout;
    const all = rows.flatMap((row) => [row.x, row.was]);
    const log = Math.min(...all) > 0 && Math.max(...all) / Math.min(...all) >= 8;
    const label = unit === "ms" ? `latency (ms, ${given.source})` : `device energy (mJ, ${given.source})`;
    const layout = {
      ...base,
      height: 400,
      xaxis: { ...base.xaxis, type: log ? "log" : "linear", dtick: log ? "D2" : undefined,
        title: { ...base.xaxis.title, text: label } },
    };
    show("whatif-front", traces, layout);
  }

  function better(a, b) {
    const noWorse = a.x <= b.x && a.option.accuracy >= b.option.accuracy;
    return noWorse && (a.x < b.x || a.option.accuracy > b.option.accuracy);
  }

  function dots(rows, key, name, marker) {
    return {
      type: "scatter", mode: "markers", name, marker,
      x: rows.map((row) => row[key]),
      y: rows.map((row) => row.option.accuracy),
      text: rows.map((row) => `<b>${escapeText(row.option.name)}</b><br>${escapeText(row.option.label)}`),
      hovertemplate: "%{text}<br>%{x:.4g} · %{y:.1%}<extra></extra>",
    };
  }

  function drawMap(ways, cost, unit) {
    const cells = loads.map((load) => rates.map((rate) =>
      WhatIf.ranking(constants, ways, { ...scenario, uplink_mbps: rate, server_load: load }, cost)[0]));
    const counts = new Map();
    for (const cell of cells.flat()) counts.set(cell.option, (counts.get(cell.option) ?? 0) + 1);
    const winners = [...counts.keys()].sort((a, b) => (a.trial === null) - (b.trial === null) || counts.get(b) - counts.get(a));
    const paint = winners.map((way, k) => (way.trial === null ? colours[way.name] : blues[k % blues.length]));
    const n = winners.length;
    const heat = {
      type: "heatmap", x: rates, y: loads, showscale: false, zmin: -0.5, zmax: n - 0.5,
      z: cells.map((row) => row.map((cell) => winners.indexOf(cell.option))),
      colorscale: paint.flatMap((colour, k) => [[k / n, colour], [(k + 1) / n, colour]]),
      text: cells.map((row) => row.map((cell) =>
        `${escapeText(cell.option.name)}: ${escapeText(cell.option.label)}<br>${short(cell.cost)} ${unit}`)),
      hovertemplate: "%{x:.3g} Mbit/s, load %{y:.0%}<br><b>%{text}</b><extra></extra>",
    };
    const legend = winners.map((way, k) => ({
      type: "scatter", mode: "markers", x: [null], y: [null], hoverinfo: "skip",
      marker: { symbol: "square", size: 11, color: paint[k] },
      name: way.trial === null ? way.label : `${way.name}: ${way.label}`,
    }));
    const here = {
      type: "scatter", mode: "markers", showlegend: false, cliponaxis: false, name: "here",
      x: [scenario.uplink_mbps], y: [scenario.server_load],
      marker: { symbol: "circle-open-dot", size: 14, color: "white", line: { width: 2 } },
      hovertemplate: "here: %{x:.3g} Mbit/s, load %{y:.0%}<extra></extra>",
    };
    const layout = { ...FIGURES.get("winner_map").plot.layout, annotations: labels(cells, winners, counts) };
    show("winner_map", [heat, ...legend, here], layout);
  }

  // Names in the regions that have room for them.
  function labels(cells, winners, counts) {
    const total = loads.length * rates.length;
    return winners.filter((way) => counts.get(way) >= 0.012 * total).map((way) => {
      let x = 0, y = 0;
      cells.forEach((row, i) => row.forEach((cell, k) => {
        if (cell.option === way) { x += Math.log10(rates[k]); y += loads[i]; }
      }));
      const middle = x / counts.get(way);
      return {
        x: middle, xanchor: middle > 2.5 ? "right" : middle < -0.5 ? "left" : "center", y: y / counts.get(way), showarrow: false, borderpad: 3,
        text: escapeText(way.trial === null ? way.label : way.name),
        font: { color: "white", size: 12 }, bgcolor: "rgba(15, 19, 24, 0.72)",
      };
    });
  }

  function show(name, data, layout) {
    const element = place(name) ?? document.getElementById(name);
    const ready = fitted({ plot: { data, layout } }, element);
    element.style.minHeight = `${ready.layout.height}px`;
    drawn.delete(name); // the panel draws it from now on
    Plotly.react(element, ready.data, ready.layout, MOTION_FREE).then(() => (element.dataset.drawn = "yes"));
  }

  return {
    started: false,
    scenario,
    update,
    start() {
      if (this.started) return;
      this.started = true;
      form.addEventListener("input", (event) => {
        const { name } = event.target;
        if (name in own) {
          scenario[name] = scales[name].to(event.target.value);
          tell(name);
        }
        later();
      });
      form.addEventListener("reset", (event) => {
        event.preventDefault();
        form.elements.drop.value = String(given.drop);
        reset();
      });
      reset();
    },
  };
}

function escapeText(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

// ---- start --------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.format) download(button);
  else if (button.dataset.command) copy(button);
  else if (button.parentElement.hasAttribute("aria-sort")) sortBy(button.parentElement);
});
DARK_QUERY.addEventListener("change", redraw);
window.addEventListener("beforeprint", () => {
  printing = true;
  for (const name of FIGURES.keys()) if (!(panel?.started && name === "winner_map")) draw(name);
  if (panel) panel.started ? panel.update() : panel.start();
});
window.addEventListener("afterprint", () => {
  printing = false;
  redraw();
});
drawWhenSeen();
document.documentElement.dataset.ready = "yes";
