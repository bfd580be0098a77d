// The live preview: pictures from stream.mjpg, results from api/events, everything else is drawn from these two.
// No module: browsers ask for those with an Origin, which is not the Host that a proxy asks by.
"use strict";

const SILENT = 6; // seconds without a word from the server, which says something every second, until it is asked anew
const LATE = 2; // seconds without a result that are worth a word; longer where results come seldom
const AGAIN = 2; // seconds until the next attempt
const SPEAK = 4; // seconds at least between two announcements to screen readers
const LANES = 6; // faces in the timeline; of more, those that were there last
const SHARES = 2; // labels of a lane that are put in words, the others as one
const GAP = 3; // seconds: as ferlite/web/timeline.py has it

const byId = (id) => document.getElementById(id);
const now = () => performance.now() / 1000;
const words = new Intl.ListFormat("en", { type: "conjunction" });

// The token of a printed address has become a cookie: it shall not stay in the address bar and in what is copied.
if (location.search) history.replaceState(null, "", location.pathname);

// ---- what is known

let connected = false; // to api/events
let ended = false; // ferlite said that it ends
let refusal = ""; // why the server does not let us in
let unseen = ""; // why it gives us no pictures
let heard = now(); // when the server last said anything
let quiet = 0; // for how many seconds it has had no result, or null before the first
let latest = null; // the newest result
let paused = false;
let colors = [];
let labels = [];
let span = 300; // seconds of the timeline
let lanes = new Map(); // face number → [{ label, start, end }], oldest first

// ---- results

let events = null;

function connect() {
  events?.close();
  events = new EventSource("api/events");
  heard = now();
  const on = (name, handle) =>
    events.addEventListener(name, (event) => {
      heard = now();
      connected = true;
      refusal = "";
      handle(JSON.parse(event.data));
    });
  on("history", (history) => {
    ended = false;
    ({ colors } = history);
    span = history.window;
    lanes = new Map();
    for (const [face, label, start, end] of history.spans) {
      laneOf(face).push({ label, start: now() - start, end: now() - end });
    }
    watch();
  });
  on("result", (result) => {
    quiet = 0;
    latest = result;
    ({ labels } = result);
    remember(result.faces);
    if (!paused) requestAnimationFrame(drawResult);
    speak();
    tell();
  });
  on("waiting", ({ seconds }) => {
    quiet = seconds;
    tell();
  });
  on("end", () => {
    ended = true;
  });
  events.addEventListener("error", lost);
}

async function lost() {
  connected = false;
  tell();
  if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
  events.close();
  refusal = await reason();
  tell();
  setTimeout(connect, AGAIN * 1000);
}

// An EventSource does not say why it was refused.
async function reason() {
  const trial = new AbortController();
  try {
    const answer = await fetch("api/events", { signal: trial.signal, cache: "no-store" });
    return answer.ok ? "" : await answer.text();
  } catch {
    return "";
  } finally {
    trial.abort();
  }
}

const numberOf = (face, place) => face.track_id ?? -1 - place;
const nameOf = (number) => `Face ${Math.abs(number)}`;

function laneOf(number) {
  if (!lanes.has(number)) lanes.set(number, []);
  return lanes.get(number);
}

function remember(faces) {
  const moment = now();
  faces.forEach((face, place) => {
    const lane = laneOf(numberOf(face, place));
    const last = lane.at(-1);
    const here = last !== undefined && moment - last.end <= GAP;
    if (here && last.label === face.label) last.end = moment;
    else lane.push({ label: face.label, start: here ? last.end : moment, end: moment });
  });
}

// ---- pictures

let stream = null; // what breaks the running stream off
let shown = null; // the JPEG on the page

function watch() {
  const wanted = connected && !paused && !document.hidden;
  if (wanted && stream === null) {
    stream = new AbortController();
    readPictures(stream.signal).catch(() => {}).finally(() => {
      stream = null;
      if (connected && !paused && !document.hidden) setTimeout(watch, AGAIN * 1000);
    });
  } else if (!wanted) {
    stream?.abort();
  }
}

async function readPictures(signal) {
  const answer = await fetch("stream.mjpg", { signal, cache: "no-store" });
  if (!answer.ok) {
    unseen = await answer.text();
    tell();
    throw new Error(unseen);
  }
  const reader = answer.body.getReader();
  let bytes = new Uint8Array(0);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    bytes = joined(bytes, value);
    let newest = null;
    for (let part = firstPart(bytes); part; part = firstPart(bytes)) {
      newest = part.jpeg;
      bytes = part.rest;
    }
    if (newest) await show(new Blob([newest], { type: "image/jpeg" })); // the stream waits meanwhile, and skips
  }
}

function joined(one, other) {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

// The first whole part of a multipart stream: a head up to an empty line, with the length of the JPEG behind it.
function firstPart(bytes) {
  let end = 0;
  while (!(bytes[end] === 13 && bytes[end + 1] === 10 && bytes[end + 2] === 13 && bytes[end + 3] === 10)) {
    end += 1;
    if (end > bytes.length - 4) return null;
  }
  const head = new TextDecoder().decode(bytes.subarray(0, end));
  const length = Number(/content-length: *(\d+)/i.exec(head)?.[1]);
  const start = end + 4;
  if (!(start + length <= bytes.length)) return null;
  return { jpeg: bytes.slice(start, start + length), rest: bytes.slice(start + length) };
}

async function show(jpeg) {
  const picture = await createImageBitmap(jpeg);
  const canvas = byId("picture");
  if (!paused) {
    if (canvas.width !== picture.width) canvas.width = picture.width;
    if (canvas.height !== picture.height) canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    shown = jpeg;
    unseen = "";
    byId("snapshot").disabled = false;
  }
  picture.close();
}

function save() {
  if (!shown) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(shown);
  const date = new Date();
  const local = new Date(date - date.getTimezoneOffset() * 60000).toISOString();
  link.download = `ferlite-${local.slice(0, 19).replace("T", "-").replaceAll(":", "-")}.jpg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// ---- the page

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

const percent = (part) => `${Math.round(part * 100)} %`;
const colorOf = (label) => colors[Math.max(0, labels.indexOf(label)) % colors.length] ?? "#888";

function drawResult() {
  if (latest === null || paused) return;
  const { faces, fps, latency, temperature_c: temperature, limits } = latest;
  setText(byId("fps"), fps === null || quiet ? "–" : fps.toFixed(1));
  setText(byId("latency"), latency < 1 ? `${Math.round(latency * 1000)} ms` : `${latency.toFixed(1)} s`);
  const heat = temperature === null ? [] : [`${Math.round(temperature)} °C`];
  setText(byId("temperature"), [...heat, ...limits].join(", "));
  byId("temperature").parentElement.hidden = temperature === null && !limits.length; // a machine that does not say
  byId("nobody").hidden = faces.length > 0;
  const list = byId("faces");
  const cards = new Map([...list.children].map((card) => [card.dataset.face, card]));
  list.classList.toggle("many", faces.length > 2);
  const numbered = faces.map((face, place) => [numberOf(face, place), face]);
  numbered.sort(([a], [b]) => Math.abs(a) - Math.abs(b));
  numbered.forEach(([number, face], place) => {
    const card = cards.get(String(number)) ?? newCard(number);
    cards.delete(String(number));
    if (list.children[place] !== card) list.insertBefore(card, list.children[place] ?? null);
    fillCard(card, face);
  });
  for (const card of cards.values()) card.remove();
}

function newCard(number) {
  const card = make("li", "face card");
  card.dataset.face = number;
  const title = make("h3");
  title.append(make("b"), make("span", "", nameOf(number)));
  const bars = make("ul", "bars");
  bars.role = "list"; // Safari takes lists without bullets for none
  card.append(title, bars);
  return card;
}

function fillCard(card, face) {
  card.style.setProperty("--color", colorOf(face.label));
  card.classList.toggle("missed", face.unseen > 0);
  setText(card.querySelector("b"), face.label);
  const bars = card.querySelector(".bars");
  const names = labels.filter((label) => label in face.probabilities);
  while (bars.children.length > names.length) bars.lastChild.remove();
  names.forEach((label, place) => {
    const row = bars.children[place] ?? bars.appendChild(newBar());
    const [name, bar, value] = row.children;
    row.classList.toggle("on", label === face.label);
    bar.firstChild.style.setProperty("--part", face.probabilities[label]);
    bar.firstChild.style.setProperty("--color", colorOf(label));
    bar.firstChild.style.visibility = face.probabilities[label] < 0.005 ? "hidden" : "visible";
    setText(name, label);
    setText(value, percent(face.probabilities[label]));
  });
}

function newBar() {
  const row = make("li");
  const bar = make("span", "bar");
  bar.ariaHidden = "true";
  bar.append(make("i"));
  row.append(make("span", "name"), bar, make("span", "value"));
  return row;
}

function drawTimeline() {
  if (paused) return;
  const moment = now();
  for (const [number, lane] of lanes) {
    while (lane.length && lane[0].end < moment - span) lane.shift();
    if (!lane.length) lanes.delete(number);
  }
  const newest = [...lanes].sort(([, a], [, b]) => b.at(-1).end - a.at(-1).end);
  const drawn = newest.slice(0, LANES).sort(([a], [b]) => Math.abs(a) - Math.abs(b));
  const list = byId("timeline");
  while (list.children.length > drawn.length) list.lastChild.remove();
  drawn.forEach(([number, lane], place) => {
    const row = list.children[place] ?? list.appendChild(newLane());
    setText(row.querySelector("b"), nameOf(number));
    drawLane(row.querySelector("canvas"), lane, moment);
    fillShares(row.querySelector(".shares"), lane, moment);
  });
  setText(byId("past-title"), `Last ${Math.round(span / 60)} minutes`);
  const hidden = newest.length - drawn.length;
  setText(byId("more"), !drawn.length ? "No face so far." : hidden ? `And ${hidden} more ${hidden > 1 ? "faces" : "face"}.` : "");
  const axis = byId("axis");
  if (!drawn.length) axis.replaceChildren();
  else if (!axis.children.length) {
    axis.append(make("span", "", `${Math.round(span / 60)} min ago`), make("span", "", "now"));
  }
}

function newLane() {
  const row = make("li", "lane");
  const strip = document.createElement("canvas");
  strip.ariaHidden = "true"; // the shares beside it say it in words
  row.append(make("b"), strip, make("span", "shares"));
  return row;
}

function drawLane(canvas, lane, moment) {
  const scale = devicePixelRatio;
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  for (const { label, start, end } of lane) {
    const left = Math.max(0, (1 - (moment - start) / span) * width);
    const right = (1 - (moment - end) / span) * width;
    context.fillStyle = colorOf(label);
    context.fillRect(left, 0, Math.max(right - left, 2 * scale), height);
    context.fillStyle = "#0008"; // an edge, as some colours are hardly seen on white
    context.fillRect(left, height - 2 * scale, Math.max(right - left, 2 * scale), 2 * scale);
  }
  context.fillStyle = "#8888";
  for (let minute = 60; minute < span; minute += 60) {
    context.fillRect(Math.round((1 - minute / span) * width), 0, scale, height);
  }
}

function fillShares(element, lane, moment) {
  const times = new Map();
  let total = 0;
  for (const { label, start, end } of lane) {
    const time = end - Math.max(start, moment - span) + 0.001;
    times.set(label, (times.get(label) ?? 0) + time);
    total += time;
  }
  const shares = [...times].filter(([, time]) => time / total >= 0.005).sort(([, a], [, b]) => b - a);
  const others = shares.splice(SHARES).reduce((sum, [, time]) => sum + time, 0);
  if (others) shares.push(["other", others]);
  while (element.children.length > shares.length) element.lastChild.remove();
  shares.forEach(([label, time], place) => {
    if (!element.children[place]) {
      const share = make("span");
      share.append(make("i"), make("span"));
      element.append(share);
    }
    const [chip, text] = element.children[place].children;
    chip.hidden = place === SHARES;
    chip.style.setProperty("--color", colorOf(label));
    setText(text, `${label} ${percent(time / total)}`);
  });
}

function stateNow() {
  if (refusal) return ["gone", "Not connected", refusal];
  if (ended && !connected) return ["gone", "Ended", "ferlite has ended. This page goes on when it is started again."];
  if (!connected && latest === null) return ["connecting", "Connecting", ""];
  if (!connected) return ["gone", "Not connected", "The connection to ferlite is lost. Trying again."];
  if (paused) return ["paused", "Paused", "This page is paused; ferlite goes on."];
  if (quiet === null) return ["waiting", "Waiting", "ferlite runs and has had no picture yet."];
  if (quiet >= Math.max(LATE, 3 / (latest?.fps || 1))) {
    const time = quiet < 10 ? "some seconds" : quiet < 60 ? `${Math.floor(quiet / 10)}0 s` : `${Math.floor(quiet / 60)} min`;
    return ["waiting", "No picture", `No picture for ${time}. Has the camera been lost?`]; // screen readers say each step
  }
  if (unseen) return ["waiting", "No picture", unseen];
  return ["live", "Live", ""];
}

function tell() {
  const [state, name, notice] = stateNow();
  byId("state").dataset.state = state;
  setText(byId("state"), name);
  setText(byId("notice"), notice);
  document.body.classList.toggle("late", state === "waiting" || state === "gone");
  if (state !== "live" && state !== "paused") setText(byId("fps"), "–");
  const looks = latest?.faces.map((face) => face.label) ?? [];
  if (looks.length > 3) looks.splice(3, Infinity, "…");
  const title = state !== "live" ? name : looks.length ? looks.join(", ") : "No face";
  if (document.title !== `${title} – ferlite`) document.title = `${title} – ferlite`;
  byId("picture").ariaLabel = state === "live" ? "Live picture, as the list of faces says" : `Picture: ${name}`;
}

let spoken = "";
let spokenAt = 0;

// To screen readers: who looks how when that has changed, and not more often than they can be listened to.
function speak() {
  if (paused || now() - spokenAt < SPEAK) return;
  const looks = latest.faces.map((face, place) => `${nameOf(numberOf(face, place))} ${face.label}`).sort();
  const text = looks.length ? words.format(looks) : "No face";
  if (text === spoken) return;
  spoken = text;
  spokenAt = now();
  setText(byId("spoken"), text);
}

function pause() {
  paused = !paused;
  setText(byId("pause"), paused ? "Resume" : "Pause");
  watch();
  tell();
  drawResult();
  drawTimeline();
}

// ---- controls

byId("pause").addEventListener("click", pause);
byId("snapshot").addEventListener("click", save);
byId("snapshot").disabled = true;

const shortcuts = byId("shortcuts");
try {
  shortcuts.checked = localStorage.getItem("shortcuts") !== "off";
  shortcuts.addEventListener("change", () => localStorage.setItem("shortcuts", shortcuts.checked ? "on" : "off"));
} catch {
  // a browser that stores nothing
}

addEventListener("keydown", (event) => {
  if (!shortcuts.checked || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest?.("button, input, a")) return; // there the keys have a meaning of their own
  if (event.key === " ") pause();
  else if (event.key === "s") save();
  else return;
  event.preventDefault();
});

document.addEventListener("visibilitychange", watch); // a hidden page takes no pictures

setInterval(() => {
  if (connected && now() - heard > SILENT) {
    connected = false;
    connect();
  }
  if (!connected) stream?.abort();
  drawTimeline();
  tell();
}, 1000);

connect();
tell();
