// What every page gets beyond its HTML: the live pill, ages that grow, keys and touch on charts. Without it nothing is lost but comfort.
const $$ = (what, root = document) => [...root.querySelectorAll(what)];

// Ages: the words of render.ago, recomputed each minute from the moment itself; older than two days they stay as the server wrote them.
function age() {
  for (const time of $$("time[data-ago]")) {
    const minutes = Math.floor((Date.now() - Date.parse(time.dateTime)) / 60000);
    if (minutes >= 0 && minutes < 2880)
      time.textContent = minutes < 1 ? "just now" : minutes < 60 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`;
  }
}

// The pill: one small poll, fast while uploads are open, silent while the page is hidden.
const pill = document.getElementById("fresh");
const reads = () => document.querySelector("[data-upload]"); // an upload that is being read stands on the page: its pace is worth more asking
const clock = (when) => when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
let heard = new Date();
let timer;

function show(state, text) {
  if (pill.classList.contains(state) && pill.lastElementChild.textContent === text) return;
  pill.className = `fresh ${state}`;
  pill.lastElementChild.textContent = text;
  pill.querySelector("use").setAttribute("href", state === "ok" ? "#i-check" : "#i-clock");
}

// New numbers take the place of the old ones, unless somebody is reading a table, on a chart, or has something to fill in: a form
// that only holds a button is in nobody's way.
const FILLED_IN = "form[method=post] :is(input:not([type=hidden]), select, textarea)";
async function renew() {
  const main = document.getElementById("main");
  if (main.contains(document.activeElement) || main.querySelector(`details[open], ${FILLED_IN}`)) return false;
  if ($$("input", main).some((field) => field.value !== field.defaultValue)) return false;
  const page = await fetch(location.href, { credentials: "same-origin" });
  if (!page.ok) return false;
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html").getElementById("main");
  if (!fresh) return false;
  main.replaceChildren(...fresh.childNodes);
  wire();
  return true;
}

async function poll() {
  let wait = 60;
  try {
    const answer = await fetch(document.body.dataset.live, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    const live = await answer.json();
    heard = new Date();
    show(live.state, live.text);
    if (live.busy) wait = reads() ? 2 : 5;
    if (String(live.stamp) !== document.body.dataset.stamp && (await renew())) document.body.dataset.stamp = live.stamp;
    document.dispatchEvent(new CustomEvent("pulse", { detail: live }));
  } catch {
    show("away", `Not reachable since ${clock(heard)}`);
  }
  age();
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(poll, wait * 1000);
}

// Charts: the table is the data. A cursor walks its rows; the line above the drawing says the row.
function chart(figure) {
  const rows = $$("tbody tr[data-x]", figure);
  const drawing = figure.querySelector("svg[data-plot]");
  const cursor = figure.querySelector(".cursor");
  const readout = figure.querySelector(".readout");
  const table = figure.querySelector("details");
  if (!rows.length || figure.dataset.wired) return;
  figure.dataset.wired = "1";
  const summary = readout.textContent;
  const heads = $$("thead th", figure).map((cell) => cell.textContent);
  let at = -1;
  let speech;

  function go(index, wait = 150) {
    at = Math.max(0, Math.min(rows.length - 1, index));
    const x = `${rows[at].dataset.x}%`;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    figure.classList.add("on");
    const cells = [...rows[at].cells].map((cell) => cell.textContent.trim());
    clearTimeout(speech);
    speech = setTimeout(() => {
      readout.style.minHeight ||= `${readout.offsetHeight}px`;
      readout.textContent = cells.map((text, i) => (i > 1 && heads[i] ? `${heads[i].toLowerCase()} ${text}` : text)).join(", ");
    }, wait);
  }
  function leave() {
    clearTimeout(speech);
    at = -1;
    figure.classList.remove("on");
    readout.textContent = summary;
  }
  function nearest(event) {
    const box = drawing.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 100;
    go(rows.reduce((best, row, i) => (Math.abs(row.dataset.x - x) < Math.abs(rows[best].dataset.x - x) ? i : best), 0), 0);
  }

  figure.addEventListener("keydown", (event) => {
    if (event.target !== figure || event.metaKey) return;
    const step = event.ctrlKey || event.altKey ? 7 : 1;
    const range = { "+": -1, "=": -1, "-": 1 }[event.key];
    const keys = {
      ArrowLeft: () => go(at < 0 ? rows.length - 1 : at - step),
      ArrowRight: () => go(at < 0 ? 0 : at + step),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      Enter: () => rows[at]?.querySelector("a")?.click(),
      t: () => (table.open = !table.open),
      Escape: () => (at < 0 ? figure.blur() : leave()),
    };
    const act = keys[event.key] || keys[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    } else if (range) {
      const tabs = $$("a", figure.closest(".card")?.querySelector(".tabs") || figure);
      tabs[tabs.findIndex((tab) => tab.hasAttribute("aria-current")) + range]?.click();
    }
  });
  figure.addEventListener("focusout", (event) => figure.contains(event.relatedTarget) || leave());
  drawing.addEventListener("pointerdown", nearest);
  drawing.addEventListener("pointermove", nearest);
  drawing.addEventListener("pointerleave", () => document.activeElement === figure || leave());
}

// A click on a day of the calendar opens it.
function calendar(svg) {
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width / svg.dataset.cell;
    const week = Math.floor((event.clientX - box.left) * scale);
    const day = Math.floor(((event.clientY - box.top) * scale * svg.dataset.cell - 14) / svg.dataset.cell);
    const date = new Date(`${svg.dataset.first}T12:00Z`);
    date.setUTCDate(date.getUTCDate() + week * 7 + day);
    if (day >= 0 && day < 7 && date <= Date.now() + 864e5) location.assign(svg.dataset.href.replace("DATE", date.toISOString().slice(0, 10)));
  });
}

function wire() {
  $$("figure.chart").forEach(chart);
  $$(".cal[data-href]").forEach(calendar);
}

wire();
age();
if (pill && document.body.dataset.live) {
  timer = setTimeout(poll, reads() ? 1000 : 20000);
  document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : poll());
} else setInterval(age, 60000);
