// Pairing: a line that says what has arrived, a token that goes then. Without it a link asks.
const POLL = 3000;
const SLOW = 15000;
const SHOWN = 15 * 60000;
const wait = document.getElementById("wait");
const secret = document.getElementById("secret");
const after = document.getElementById("after");
const opened = Date.now();
let connected = false;

function old() {
  if (!secret?.isConnected || Date.now() - opened < SHOWN) return;
  secret.remove();
  document.getElementById("again").remove();
  if (!connected) document.getElementById("gone").hidden = false;
}

function show(fresh) {
  const stands = document.getElementById("told");
  if (!stands || stands.textContent !== fresh.textContent || stands.dataset.state !== fresh.dataset.state) stands?.replaceWith(fresh);
  if (!("connected" in fresh.dataset) || connected) return;
  connected = true;
  if (secret) secret.hidden = true;
  if (after) after.hidden = false;
}

async function look() {
  const arrived = document.getElementById("told")?.dataset.state === "arrived";
  let next = Date.now() - opened < 300000 && !arrived ? POLL : SLOW;
  try {
    const answer = await fetch(wait.dataset.waiting, { credentials: "same-origin" });
    if (answer.redirected || answer.status === 401 || answer.status === 404) return; // logged out, or gone
    const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("told");
    if (fresh) show(fresh);
  } catch {
    next = SLOW; // the server is away for a moment; what stands here stays true
  }
  old();
  if (!document.hidden) timer = setTimeout(look, next);
}

document.getElementById("again")?.addEventListener("click", () => {
  secret.hidden = !secret.hidden;
  document.getElementById("again").textContent = secret.hidden ? "Show it again" : "Hide it";
});

// A reload leads to the page without the token instead of sending the form again.
if (secret) history.replaceState(null, "", wait.dataset.waiting);
let timer = setTimeout(look, POLL);
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) look();
});
