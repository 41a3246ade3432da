// The long ranges of a metric, every day of them: uPlot in the box in which the server drew weeks or months. Without it that drawing stays.
// The table, its keys and the line above the drawing stay page.js's; this only draws, and follows its cursor.
const WIDE = 44; // the gutter of marks/plot.html
const AXIS = 20;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function look(hue) {
  const ink = token(hue);
  return { ink, faint: `color-mix(in oklab, ${ink} 45%, ${token("surface")})`, axis: token("ink3"), grid: token("line"), band: token("band"),
    edge: token("bandedge"), font: `500 11.5px ${getComputedStyle(document.body).fontFamily}` };
}

function hatch(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8 * devicePixelRatio;
  const pen = tile.getContext("2d");
  pen.strokeStyle = token("edge");
  pen.lineWidth = 1.2 * devicePixelRatio;
  pen.beginPath();
  for (const at of [-1, 0, 1]) pen.moveTo(at * tile.width, tile.height), pen.lineTo((at + 1) * tile.width, 0);
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

// Behind the marks: the usual as a band, and what nobody measured.
function backdrop(plot, given, colours) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (given.band) {
    const [low, high] = given.band.map((edge) => plot.valToPos(edge, "y", true));
    ctx.fillStyle = colours.band;
    ctx.fillRect(bbox.left, high, bbox.width, low - high);
  }
  if (given.kind !== "readings") {
    ctx.fillStyle = hatch(ctx);
    const half = (given.x[1] - given.x[0]) / 2 || 43200;
    let from = null;
    [...given.value, 0].forEach((value, i) => {
      if (value === null) from ??= i;
      else if (from !== null) {
        const [a, b] = [given.x[from] - half, given.x[i - 1] + half].map((x) => plot.valToPos(x, "x", true));
        ctx.fillRect(a, bbox.top, b - a, bbox.height);
        from = null;
      }
    });
  }
  ctx.restore();
}

// On top of them: the edges of the usual, which a tall range would hide.
function edges(plot, given, colours) {
  if (!given.band) return;
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colours.edge;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const edge of given.band) {
    const y = plot.valToPos(edge, "y", true);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

// Readings taken now and then: the running median of seven between them, broken where two lie more than two weeks apart.
function medians(values) {
  const seen = [];
  return values.map((value) => {
    if (value === null) return null;
    seen.push(value);
    const near = seen.slice(-7).sort((a, b) => a - b);
    const middle = near.length >> 1;
    return near.length % 2 ? near[middle] : (near[middle - 1] + near[middle]) / 2;
  });
}
const silences = (plot, _series, _first, _last, gaps) =>
  gaps.filter(([from, to]) => plot.posToVal(to / devicePixelRatio, "x") - plot.posToVal(from / devicePixelRatio, "x") > 15 * 86400);

function dates(plot, ticks, _axis, _space, step) {
  const long = ticks.length > 1 && ticks.at(-1) - ticks[0] > 500 * 86400;
  const style = step < 28 * 86400 ? { day: "numeric", month: "short" } : long ? { month: "short", year: "2-digit" } : { month: "short" };
  const words = new Intl.DateTimeFormat("en-GB", { ...style, timeZone: "UTC" });
  return ticks.map((tick) => words.format(tick * 1e3));
}

function marks(kind, given, colours) {
  const lone = { spanGaps: false, width: 0, points: { show: true, size: 4, width: 0, fill: colours.ink } };
  if (kind === "bars") {
    const paths = uPlot.paths.bars({ size: [0.8, 24, 1] });
    return [{ paths, fill: colours.faint, stroke: colours.faint, width: 0, points: { show: false } }];
  }
  if (kind === "minmax") {
    const bare = { spanGaps: false, width: 0, stroke: colours.faint, points: { show: false } };
    return [bare, bare, { spanGaps: false, width: 1.5, stroke: colours.ink, points: { show: false } }];
  }
  if (kind === "readings") return [lone, { width: 1.75, stroke: colours.ink, gaps: silences, points: { show: false } }];
  return [{ spanGaps: false, width: 1.25, stroke: colours.ink, points: { show: given.x.length < 200, size: 4, width: 0, fill: colours.ink } }];
}

function range(given, low, high) {
  const held = [...given.value, ...(given.low || []), ...(given.high || []), ...(given.band || [])].filter((v) => v !== null);
  if (given.kind === "bars") return [0, Math.max(...held, 1e-9) * 1.08];
  const [least, most] = [Math.min(...held), Math.max(...held)];
  const room = (most - least || Math.abs(most) * 0.02 || 1) * 0.12;
  return [least - room, most + room];
}

function draw(box, given, height, readout) {
  const colours = look(box.dataset.hue);
  const number = new Intl.NumberFormat(given.locale, { maximumFractionDigits: 2 });
  const axis = { stroke: colours.axis, font: colours.font, ticks: { show: false }, gap: 4 };
  const data = { minmax: [given.x, given.low, given.high, given.value], readings: [given.x, given.value, medians(given.value)] }[given.kind] || [given.x, given.value];
  const summary = readout.textContent;
  const half = (given.x[1] - given.x[0]) / 2 || 43200; // so that the first and the last mark stand whole
  const plot = new uPlot(
    {
      width: box.clientWidth, height, padding: [8, 0, 0, 0], legend: { show: false }, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "UTC"),
      cursor: { y: false, drag: { x: true, y: false, setScale: true }, points: { size: 8 } },
      scales: { x: { range: (_, low, high) => [low - half, high + half] }, y: { range: (_, low, high) => range(given, low, high) } },
      axes: [
        { ...axis, size: AXIS, grid: { show: false }, space: 64, values: dates },
        { ...axis, size: WIDE, grid: { stroke: colours.grid, width: 1 }, space: 50, align: 2,
          values: (_, ticks) => ticks.map((tick) => (given.unit === "h" ? `${number.format(tick)} h` : number.format(tick))) },
      ],
      series: [{}, ...marks(given.kind, given, colours)],
      bands: given.kind === "minmax" ? [{ series: [2, 1], fill: colours.faint }] : [],
      hooks: {
        drawClear: [(self) => backdrop(self, given, colours)],
        draw: [(self) => edges(self, given, colours)],
        setCursor: [(self) => (readout.textContent = self.cursor.idx == null ? summary : given.said[self.cursor.idx])],
      },
    },
    data,
    box,
  );
  plot.root.setAttribute("aria-hidden", "true"); // the figure, its line and its table say it
  return plot;
}

async function enlarge(holder) {
  const figure = holder.querySelector("figure.chart");
  const old = figure?.querySelector(".plot");
  if (!old || holder.dataset.drawn || !window.uPlot) return;
  holder.dataset.drawn = "1";
  const answer = await fetch(holder.dataset.series, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) return;
  const given = await answer.json();
  const height = old.querySelector("svg[data-plot]").getBoundingClientRect().height;
  const cursor = old.querySelector(".cursor");
  const box = document.createElement("div");
  box.className = "plot nogutter";
  box.dataset.hue = holder.dataset.hue;
  old.replaceWith(box);
  const readout = figure.querySelector(".readout");
  let plot = draw(box, given, height, readout);
  const again = () => {
    plot.destroy();
    plot = draw(box, given, height, readout);
  };
  new ResizeObserver(() => box.clientWidth && plot.setSize({ width: box.clientWidth, height })).observe(box);
  matchMedia("(prefers-color-scheme:dark)").addEventListener("change", again);
  // page.js moved its cursor to a row of the table: show the same place here.
  new MutationObserver(() => {
    const over = plot.over.clientWidth;
    plot.setCursor({ left: (parseFloat(cursor.getAttribute("x1")) / 100) * over, top: 0 }, false);
  }).observe(cursor, { attributes: true, attributeFilter: ["x1"] });
}

const wire = () => document.querySelectorAll("[data-series]").forEach(enlarge);
wire();
new MutationObserver(wire).observe(document.getElementById("main"), { childList: true });
