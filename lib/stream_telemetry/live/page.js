"use strict";
// Draws what /api/summary says, every two seconds. Whatever comes from the job becomes text, never
// markup: nothing here parses HTML, and the page's policy would stop a script that came in.

const EVERY_MS = 2000, PATIENCE_MS = 5000, VERSION = 1;
const SIGNS = { good: "✔", busy: "…", warning: "▲", bad: "✖" };
const at = (id) => document.getElementById(id);
// Without the name and password that an address may have: fetch refuses those.
const address = new URL("api/summary", location.origin + location.pathname).href;

let told = null, answered = 0, failure = null, said = "", timer = 0, isAsking = false;

async function ask() {
  if (isAsking) return;
  isAsking = true;
  clearTimeout(timer);
  try {
    const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(answer.status === 401 ? "it asks for a login: load this page again" : `it answers ${answer.status}, its log says why`);
    told = await answer.json();
    answered = Date.now();
    failure = null;
    show(told);
  } catch (error) {
    failure = ["TypeError", "TimeoutError"].includes(error.name) ? "" : error.message;
  }
  isAsking = false;
  mark();
  timer = setTimeout(ask, EVERY_MS);
}

// How the query is, or that nobody says so.
function mark() {
  const silent = failure !== null;
  document.body.classList.toggle("past", silent);
  at("silent").hidden = !silent || !told;
  const state = silent
    ? { name: "no answer", level: "bad", why: `The job does not answer${failure ? ": " + failure : ": it has ended, or the network is cut"}.` }
    : told && told.state;
  if (!state) return;
  if (silent && told) write(at("silent"), `No answer for ${span((Date.now() - answered) / 1000)}; the figures are of ${clock(answered)}.`);
  at("state").className = state.level;
  write(at("sign"), SIGNS[state.level] || "");
  write(at("name"), state.name);
  write(at("since"), silent ? "" : `for ${span(Math.round(state.seconds))}`);
  write(at("why"), state.why);
  at("notices").hidden = silent;
  document.title = `${state.name} – ${told ? told.job.query : "stream"}`;
  // For who listens: once for each state, not with every figure.
  if (state.name !== said) write(at("announced"), `State: ${state.name}. ${state.why}`);
  said = state.name;
}

function show(now) {
  const { job, rate, lag, latency, outcomes, batches } = now;
  write(at("query"), job.query);
  const trigger = job.is_realtime ? "in real time" : job.mode === "batch" ? "once, all there is" : job.trigger_seconds ? `every ${span(job.trigger_seconds)}` : "without pause";
  write(at("job"), `reads ${job.topic} on ${job.broker} as ${job.consumer_group}, ${trigger}; version ${job.version || "unknown"}, up since ${day(job.started)}` + (job.restarts ? `, restarted ${count(job.restarts)} times` : ""));
  link(now.links.spark);
  fill(at("notices"), now.version === VERSION ? now.notices : [{ name: "another version", level: "warning", text: "The job was replaced by another version; load this page again." }, ...now.notices],
    (notice) => element("li", { class: notice.level }, element("strong", {}, notice.name), ": " + notice.text));
  cards(now);
  plots(now);
  rows("batches", [...batches].reverse(), (b) => [String(b.number), clock(b.ended), { n: span(b.seconds) }, { n: count(b.records) }, { n: count(b.refused) }, { n: span(b.end_to_end_p95_seconds) }]);
  rows("partitions", lag.partitions, (p) => [p.topic, String(p.partition), { n: count(p.records) }, { n: age(p.oldest_seconds) }, { n: count(p.held_back) }]);
  write(at("latency-span"), latency.end_to_end.records ? `Of the ${count(latency.end_to_end.records)} records of the last ${span(latency.seconds)}.` : `No record in the last ${span(latency.seconds)}.`);
  rows("latency", [["from Kafka's timestamp to done", latency.end_to_end], ...Object.entries(latency.operations)], ([name, s]) => [name, { n: span(s.p50_seconds) }, { n: span(s.p95_seconds) }, { n: span(s.p99_seconds) }]);
  for (const title of document.querySelectorAll(".lately")) write(title, `last ${span(outcomes.recent.seconds)}`);
  rows("outcomes", ["read", "succeeded", "refused", "unaccounted", "lost"], (name) => [name === "unaccounted" ? "unaccounted for" : name, { n: count(outcomes.recent[name]) }, { n: count(outcomes.total[name]) }]);
  const { error_types: steps, fields } = now.reasons;
  at("no-reasons").hidden = steps.length + fields.length > 0;
  for (const [id, list] of [["error-types", steps], ["fields", fields]]) {
    at(id).hidden = !list.length;
    rows(id, list.slice(0, 12), (r) => [id === "fields" ? r.name : r.name.replaceAll("_", " "), { n: count(r.recent) }, { n: count(r.total) }]);
  }
  model(now.model);
  const refused = now.refused ?? [];
  write(at("no-refused"), now.refused ? "None was seen since the job started." : "This job does not read them back.");
  at("no-refused").hidden = refused.length > 0;
  at("refused").hidden = !refused.length;
  rows("refused", refused, (r) => [clock(r.seen), r.topic ?? "not told", { n: String(r.partition ?? "–") }, { n: String(r.offset ?? "–") }, (r.event_type ?? "").replaceAll("_", " "), r.reasons.join(", ") || "–"]);
  rows("changes", now.changes, (c) => [clock(c.at), { text: c.name, level: c.level }, c.why]);
}

function cards({ rate, lag, latency, outcomes, batches, state }) {
  const last = batches.at(-1), recent = outcomes.recent;
  // Kafka is asked every three seconds.
  const stale = lag.asked_seconds_ago > 7 ? `as Kafka said ${span(lag.asked_seconds_ago)} ago` : "";
  const times = lag.oldest_seconds / state.late_after_seconds, late = times > 4 ? "bad" : times > 1 ? "warning" : "";
  fill(at("now"), [
    ["records a second", number(rate.records_per_second), `over ${span(rate.seconds)}`],
    ["records that wait", count(lag.records), stale || "in all partitions"],
    ["the oldest that waits", age(lag.oldest_seconds), stale || `late from ${span(state.late_after_seconds)}`, late],
    ["age when done, p95", span(latency.end_to_end.p95_seconds), `of the last ${span(latency.seconds)}`],
    ["refused", recent.read ? share(recent.refused / recent.read) : "–", `${count(recent.refused)} of ${count(recent.read)}`],
    ["last batch", last ? span(last.seconds) : "–", last ? `${count(last.records)} records, ${clock(last.ended)}` : "none yet"],
  ], ([name, value, note, level]) => element("div", {}, element("dt", {}, name), element("dd", level ? { class: `level ${level}` } : {}, value, element("small", {}, note))));
}

function model(m) {
  at("model-section").hidden = !m;
  if (!m) return;
  const facts = [["loaded", m.is_loaded ? "yes" : "no"], ["version", m.versions.join(", ") || "–"], ["made", m.created ? `${day(m.created)}, ${span(m.age_seconds)} ago` : "–"]];
  if (m.shadow) {
    const apart = m.figures.find((f) => f.name === "model_shadow_disagreement_ratio");
    facts.push(["shadow", m.shadow + (apart ? `, decides otherwise for ${share(apart.value)}` : ", too few records to compare")]);
  }
  const drift = m.figures.filter((f) => f.name.includes("psi"));
  if (drift.length) {
    const worst = drift.reduce((a, b) => (b.value > a.value ? b : a));
    facts.push(["drift (PSI)", `${number(worst.value)} at most, of ${labels(worst)}; up to 0.1 is none, from 0.25 it is strong`]);
  }
  fill(at("model"), facts, ([name, value]) => [element("dt", { class: "quiet" }, name), element("dd", {}, value)]);
  at("watched").hidden = !m.figures.length;
  rows("model-figures", m.figures, (f) => [f.name, labels(f), { n: number(f.value) }]);
}

// What a figure is of: `tenure (latest records)`, or the metric's own name.
function labels({ name, labels: { window, ...others } }) {
  const of = Object.values(others).join(", ") || name.replace(/^model_|_psi$/g, "").replaceAll("_", " ");
  return window ? `${of} (latest ${window === "time" ? "minutes" : window})` : of;
}

function plots({ batches, lag, state }) {
  const most = (list) => list.reduce((a, b) => Math.max(a, b), 0), ending = batches.length ? `, to ${clock(batches.at(-1).ended)}` : "";
  const few = `the last ${batches.length} batches${ending}`;
  const records = batches.map((b) => b.records), ages = batches.map((b) => b.end_to_end_p95_seconds ?? 0);
  write(at("records-caption"), `Records in each of ${few}; at most ${count(most(records))}. Red: refused, ${count(batches.reduce((a, b) => a + b.refused, 0))} in all.`);
  bars("records-plot", records, batches.map((b) => b.refused));
  write(at("seconds-caption"), `How long each took; at most ${span(most(batches.map((b) => b.seconds)))}.`);
  bars("seconds-plot", batches.map((b) => b.seconds));
  write(at("age-caption"), `Age of their records when done, p95; at most ${span(most(ages))}.`);
  bars("age-plot", ages);
  const old = lag.history.map((l) => l[2]), limit = state.late_after_seconds;
  write(at("lag-caption"), lag.history.length ? `Age of the oldest record that waited, over the last ${span(lag.history[0][0])}; at most ${span(most(old))}. Dashed: late.` : "Kafka has not told yet how old what waits is.");
  curve("lag-plot", lag.history.map((l) => [-l[0], l[2]]), limit);
}

const WIDE = 300, HIGH = 100;

function bars(id, values, parts) {
  const top = Math.max(...values, 0) || 1, step = WIDE / Math.max(values.length, 20);
  const bar = (n, value, kind) => {
    // What is there is seen, however little it is.
    const height = value ? Math.max((value / top) * HIGH, 2) : 0;
    return shape("rect", { class: kind, x: n * step, y: HIGH - height, width: step * 0.8, height });
  };
  draw(id, [ground(), ...values.map((v, n) => bar(n, v, "bar")), ...(parts || []).map((v, n) => bar(n, v, "refused"))]);
}

function curve(id, points, limit) {
  const top = Math.max(...points.map((p) => p[1]), limit) * 1.1, first = points.length ? points[0][0] : -1;
  const x = (time) => WIDE * (1 - time / Math.min(first, -1)), y = (value) => HIGH - (value / top) * HIGH;
  const line = shape("polyline", { class: "curve", points: points.map((p) => `${x(p[0]).toFixed(1)},${y(p[1]).toFixed(1)}`).join(" ") });
  draw(id, [ground(), shape("line", { class: "limit", x1: 0, x2: WIDE, y1: y(limit), y2: y(limit) }), line]);
}

function draw(id, shapes) {
  at(id).setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  at(id).setAttribute("preserveAspectRatio", "none");
  at(id).replaceChildren(...shapes);
}

const ground = () => shape("line", { class: "ground", x1: 0, x2: WIDE, y1: HIGH, y2: HIGH });

function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

// Only what has changed is written: a selection, and who listens, are left alone.
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function fill(place, list, make) {
  const made = list.flatMap(make), before = place.childNodes;
  if (made.length !== before.length || made.some((node, n) => !node.isEqualNode(before[n]))) place.replaceChildren(...made);
}

// A row's first cell is its name; {n} is a number, {text, level} a coloured word.
function rows(id, list, cells) {
  const cell = (value, n) =>
    value.n !== undefined ? element("td", { class: "number" }, value.n)
    : value.level ? element("td", { class: `level ${value.level}` }, value.text)
    : n ? element("td", {}, value) : element("th", { scope: "row" }, value);
  fill(at(id).tBodies[0], list, (item) => element("tr", {}, ...cells(item).map(cell)));
}

function link(page) {
  const isPage = /^https?:\/\//.test(page || "");
  at("spark").hidden = !isPage;
  if (isPage) at("spark").firstElementChild.href = page;
}

const known = (value) => value !== null && value !== undefined;
const count = (value) => (known(value) ? Math.round(value).toLocaleString("en") : "–");
const number = (value) => (known(value) ? Number(value).toLocaleString("en", { maximumSignificantDigits: 3 }) : "–");
const share = (value) => (value && value < 0.001 ? "< 0.1 %" : `${number(value * 100)} %`);
const clock = (time) => new Date(time).toLocaleTimeString("en-GB");
const day = (time) => new Date(time).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const age = (seconds) => (seconds === 0 ? "none" : span(seconds));

function span(seconds) {
  if (!known(seconds)) return "–";
  if (!seconds) return "0 s";
  if (seconds < 0.001) return `${number(seconds * 1e6)} µs`;
  if (seconds < 1) return `${number(seconds * 1e3)} ms`;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  for (const [unit, name, smaller, its] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    const rest = Math.floor((whole % unit) / smaller);
    if (whole >= unit) return `${Math.floor(whole / unit)} ${name}` + (rest ? ` ${rest} ${its}` : "");
  }
  return `${whole} s`;
}

setInterval(mark, 1000);
// Browsers let a page that nobody sees ask once a minute only.
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
ask();
