// A file in slices: shows what it needs first, goes on by itself after a lost connection or a sleeping phone. Without it a plain form does.
const $ = (id) => document.getElementById(id);
const form = $("import");
const input = $("f-file");
const way = $("way");
const bar = way.querySelector("progress");
const { files, free, reserve, locale } = form.dataset;
const csrf = form.elements.csrf.value;
const STALL = 45000;
const SHARE = 65536;

const number = (value, digits) => value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const size = (bytes) => (bytes >= 1e9 ? `${number(bytes / 1e9, 1)} GB` : bytes >= 1e6 ? `${number(bytes / 1e6, bytes < 1e7 ? 1 : 0)} MB` : `${number(Math.ceil(bytes / 1e3), 0)} kB`);
const left = (s) => (s < 90 ? `${Math.max(1, Math.round(s))} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${number(s / 3600, 1)} h`);

let running = null; // {file, id, offset, slice, stopped, paused, wake, request}

function complain(text) {
  $("f-file-error").textContent = text;
  $("f-file-error").hidden = !text;
  input.toggleAttribute("aria-invalid", Boolean(text));
  if (text) input.setAttribute("aria-invalid", "true");
}

function say(text) {
  if ($("way-state").textContent !== text) $("way-state").textContent = text;
}

// First and last bytes: a zip's end holds the checksums of all that is in it.
async function mark(file) {
  const ends = await new Blob([file.slice(0, SHARE), file.slice(Math.max(0, file.size - SHARE))]).arrayBuffer();
  let crc = -1;
  for (const byte of new Uint8Array(ends)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return `crc-${(crc >>> 0).toString(16)}`;
}

// XMLHttpRequest, because fetch tells no progress of what it sends. Status 0 is a lost connection.
function ask(method, url, body, type, progress) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    let stall;
    const alive = () => {
      clearTimeout(stall);
      stall = setTimeout(() => request.abort(), STALL);
    };
    if (running) running.request = request;
    request.open(method, url);
    request.setRequestHeader("X-CSRF-Token", csrf);
    request.setRequestHeader("Accept", "application/json");
    if (type) request.setRequestHeader("Content-Type", type);
    request.upload.onprogress = (event) => {
      alive();
      if (progress) progress(event.loaded);
    };
    request.upload.onload = () => clearTimeout(stall); // the last slice is read through before it is answered
    request.onloadend = () => {
      clearTimeout(stall);
      let told = {};
      try {
        told = JSON.parse(request.responseText);
      } catch {
        told = {};
      }
      done({ status: request.status, told });
    };
    alive();
    request.send(body);
  });
}

// The rate of the last half minute, so that it follows a changing network.
function meter(total) {
  const seen = [];
  return (offset) => {
    const now = performance.now();
    seen.push([now, offset]);
    while (seen.length > 2 && now - seen[0][0] > 30000) seen.shift();
    const rate = ((offset - seen[0][1]) / (now - seen[0][0])) * 1000;
    bar.value = (100 * offset) / total;
    const pace = rate > 0 && now - seen[0][0] > 1000 ? `, ${size(rate)}/s, ${left((total - offset) / rate)} left` : "";
    $("way-words").textContent = `${size(offset)} of ${size(total)} (${Math.floor((100 * offset) / total)} %)${pace}`;
  };
}

// Waits, but wakes at once when the network is back, the page is looked at again, or a button says so.
function rest(job, seconds) {
  return new Promise((done) => {
    const timer = seconds && setTimeout(end, seconds * 1000);
    const seen = () => document.hidden || end();
    function end() {
      clearTimeout(timer);
      removeEventListener("online", end);
      document.removeEventListener("visibilitychange", seen);
      job.wake = null;
      done();
    }
    job.wake = end;
    if (seconds) {
      addEventListener("online", end);
      document.addEventListener("visibilitychange", seen);
    }
  });
}

function end(text) {
  running = null;
  way.hidden = true;
  form.hidden = false;
  complain(text);
  input.focus();
}

const words = ({ status, told }) =>
  status === 401 || status === 403 ? "You are not logged in any more: reload this page, then choose the same file again." : [told.error?.message || `The server refused it (${status}).`, told.error?.hint].filter(Boolean).join(" ");

async function announce(job) {
  const answer = await ask("POST", files, JSON.stringify({ name: job.file.name, size: job.file.size, mark: await mark(job.file) }), "application/json");
  if (answer.status === 200 || answer.status === 201) Object.assign(job, { id: answer.told.id, offset: answer.told.offset, slice: answer.told.slice });
  return answer;
}

async function step(job, show) {
  if (!job.id) return announce(job);
  if (job.lost) {
    const state = await ask("GET", `${files}/${job.id}`);
    if (state.status === 200) Object.assign(job, { offset: state.told.offset, lost: false });
    return state;
  }
  const slice = job.file.slice(job.offset, job.offset + job.slice);
  const last = job.offset + slice.size >= job.file.size;
  say(last ? "Sending the end; then the server looks at the file…" : "Sending…");
  const answer = await ask("PUT", `${files}/${job.id}?offset=${job.offset}`, slice, "application/octet-stream", (sent) => show(job.offset + Math.min(sent, slice.size)));
  if (answer.status === 200) job.offset = answer.told.offset;
  return answer;
}

async function send(job) {
  const show = meter(job.file.size);
  let failures = 0;
  let begun = 0;
  while (!job.stopped) {
    if (job.paused) {
      say("Paused");
      await rest(job);
      continue;
    }
    let answer;
    try {
      answer = await step(job, show);
    } catch {
      return end("The file cannot be read any more. Choose it again, and it goes on where it was.");
    }
    if (job.stopped || job.paused) {
      job.lost = Boolean(job.id);
      continue;
    }
    if (answer.status === 200 || answer.status === 201) {
      failures = 0;
      show(job.offset);
      if (answer.told.receipt) return location.assign(answer.told.receipt);
    } else if (answer.status === 409 && answer.told.offset !== undefined) {
      job.offset = answer.told.offset;
    } else if (answer.status === 404 && job.id && begun++ < 2) {
      job.id = null; // forgotten meanwhile: from the beginning
    } else if ([0, 408, 429, 500, 502, 503, 504].includes(answer.status)) {
      job.lost = Boolean(job.id);
      $("way-words").textContent = $("way-words").textContent.split(", ")[0]; // no pace while nothing moves
      const wait = Math.min(30, 2 ** failures++);
      say(answer.status === 503 ? "The server is busy with it; asking again…" : `Connection lost. Trying again in ${wait} s…`);
      await rest(job, wait);
    } else {
      return end(words(answer));
    }
  }
}

input.addEventListener("change", () => {
  complain("");
  const file = input.files[0];
  if (!file) return ($("f-file-room").textContent = "");
  const needed = 2 * file.size + Number(reserve);
  $("f-file-room").textContent = `${file.name}: ${size(file.size)}. Needs ${size(needed)} of the server’s disk, ${size(Number(free))} are free${needed > free ? ": too little. Free some space first." : "."}`;
});

form.addEventListener("submit", (event) => {
  const file = input.files[0];
  if (!file) return;
  event.preventDefault();
  if (running) return;
  complain("");
  running = { file, id: null, offset: 0, slice: 0 };
  form.hidden = true;
  way.hidden = false;
  $("pause").textContent = "Pause";
  bar.value = 0;
  $("way-words").textContent = "";
  say("Beginning…");
  way.focus();
  navigator.wakeLock?.request("screen").catch(() => {}); // where the browser lets us keep the phone awake
  send(running);
});

$("pause").addEventListener("click", () => {
  running.paused = !running.paused;
  $("pause").textContent = running.paused ? "Go on" : "Pause";
  if (running.paused) running.request?.abort();
  running.wake?.();
});

$("cancel").addEventListener("click", async () => {
  const job = running;
  job.stopped = true;
  job.request?.abort();
  job.wake?.();
  if (job.id) await ask("POST", `${files}/${job.id}/cancel`, new URLSearchParams({ csrf }));
  location.reload();
});
