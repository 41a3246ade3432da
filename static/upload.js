// The pace of the uploads that are being read, from the answers that page.js asks for. Without it a reload tells how far they are.
const SPAN = 20000; // of the last twenty seconds
const looks = new Map(); // batch → [{at, read, share}]
const number = (value) => value.toLocaleString(document.querySelector("[data-locale]")?.dataset.locale, { maximumFractionDigits: 0 });
const left = (s) => (s < 90 ? `${Math.max(1, Math.round(s))} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`);

function pace(one, at) {
  const seen = looks.get(one.batch) || [];
  looks.set(one.batch, seen);
  if (seen.length && one.read < seen[seen.length - 1].read) seen.length = 0; // it is read again from its beginning
  seen.push({ at, read: one.read, share: one.share });
  while (seen.length > 2 && at - seen[1].at >= SPAN) seen.shift();
  const [first] = seen;
  const seconds = (at - first.at) / 1000;
  const words = one.share === null ? [] : [`${Math.floor(100 * one.share)}\u00a0%`];
  if (seconds >= 1 && one.read > first.read) words.push(`${number((one.read - first.read) / seconds)} records a second`);
  if (seconds >= 1 && one.share !== null && first.share !== null && one.share > first.share)
    words.push(`${left(((1 - one.share) * seconds) / (one.share - first.share))} left`);
  return words.join(", ");
}

document.addEventListener("pulse", ({ detail: live }) => {
  const reads = new Map(live.uploads.map((one) => [one.batch, { ...one, pace: pace(one, live.at) }]));
  for (const place of document.querySelectorAll("[data-upload]")) {
    const one = reads.get(place.dataset.upload);
    const bar = place.querySelector("progress");
    place.querySelector("[data-pace]").textContent = one ? one.pace : "Read.";
    const words = place.closest("li")?.querySelector("[data-words]");
    if (words && one) words.textContent = one.words;
    if (bar && !one) bar.value = bar.max;
    else if (bar && one.share !== null) bar.value = Math.floor(100 * one.share);
  }
});
