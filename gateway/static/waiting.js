/* The live half of a hold page: hears verdicts and shows the section that belongs to each.
   Rule: one network channel at a time (event stream, else polls), and no words of its own: every text stands in
   the page, in the visitor's language. Inlined line by line: no string spans lines. Plain enough for old phones. */
(function () {
  "use strict";
  const one = (query) => document.querySelector(query);
  const all = (query) => Array.from(document.querySelectorAll(query));
  const here = location.pathname + location.search;
  const shelf = "pressed " + location.pathname;
  const arrival = "since " + location.pathname;
  const HEARD_WITHIN = 40000; /* the stream shows a sign of life every 15 s */
  let main = null;
  let born = 0;
  let offset = 0;
  let retryAt = NaN;
  let reason = "";
  let stream = null;
  let timer = 0;
  let turn = 0;
  let failures = 0;
  let noStreamUntil = 0;
  let askedAt = 0;
  let tickedAt = 0;
  let slow = 0;
  let pressed = null;
  let leaving = false;
  let lock = null;

  function say(where, text) {
    const region = one(where);
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 100);
  }
  const plain = (part) => part.textContent.replace(/\s+/g, " ").trim();
  const jitter = (ms) => ms * (0.8 + Math.random() * 0.4);
  function lost(yes) {
    clearTimeout(slow);
    one("#offline").hidden = !yes;
    main.classList.toggle("lost", yes);
  }
  /* sessionStorage outlives a phone that drops the page to save memory; without it, it lives as long as the page */
  const memory = {};
  function read(key) {
    try { return sessionStorage.getItem(key); } catch (noStorage) { return key in memory ? memory[key] : null; }
  }
  function write(key, value) {
    memory[key] = value;
    try {
      if (value === null) { sessionStorage.removeItem(key); } else { sessionStorage.setItem(key, value); }
    } catch (noStorage) { /* see above */ }
  }
  function keep(name) {
    pressed = name;
    write(shelf, name);
  }

  /* --- what a verdict does to the page ------------------------------------------------------------------ */
  function fill(name, value) {
    all('[data-if="' + name + '"]').forEach((part) => { part.hidden = value === null || value === ""; });
    all('[data-slot="' + name + '"]').forEach((slot) => { slot.textContent = value === null ? "" : String(value); });
  }
  function beckon() {
    if (document.hidden && document.title[0] !== "●") { document.title = "● " + document.title; }
  }
  function words(text) {
    if (!text || text === one('[data-slot="message"]').textContent) { return; }
    fill("message", text);
    say("#loud", plain(one("[data-from]")) + ": " + text);
    gateway.sound.word();
    beckon();
  }
  function queue(position) {
    if (String(position || "") === main.dataset.position) { return; }
    main.dataset.position = position || "";
    fill("next", position === 1 ? "1" : null);
    fill("position", position > 1 ? position : null);
    const line = one("[data-queue]:not([hidden])");
    if (line) { say("#calm", plain(line)); }
  }
  /* the clock time at which this tab began to wait: it does not change, so it is never wrong */
  function since() {
    const waits = main.querySelector("[data-done]").closest("[data-for]").dataset.for.split(" ").indexOf(reason) >= 0;
    if (!waits) { return; }
    if (!read(arrival)) { write(arrival, String(Date.now())); }
    const at = new Date(Number(read(arrival)));
    fill("since", at.toLocaleTimeString(document.documentElement.lang, { hour: "numeric", minute: "2-digit" }));
    one("[data-since]").hidden = false;
  }
  function show(name, loud) {
    const section = one('section[data-reason="' + name + '"]');
    all("section[data-reason]").forEach((other) => { other.hidden = other !== section; });
    all("[data-for]").forEach((part) => { part.hidden = part.dataset.for.split(" ").indexOf(name) < 0; });
    all("[data-done]").forEach((step) => { step.classList.toggle("done", step.dataset.done.split(" ").indexOf(name) >= 0); });
    one("#kept").hidden = name !== "not_open" || pressed === null;
    document.title = section.dataset.title;
    say(loud ? "#loud" : "#calm", plain(section));
    reason = name;
    main.dataset.reason = name;
    since();
  }
  /* a page that was just loaded anew and is wrong already must not spin */
  function reloaded() {
    const how = performance.getEntriesByType ? performance.getEntriesByType("navigation")[0] : null;
    return !how || how.type === "reload";
  }
  function move(after) {
    if (leaving) { return; }
    leaving = true;
    quiet();
    setTimeout(() => location.reload(), after);
  }
  function letIn() {
    if (leaving) { return; }
    show("forward", true);
    document.title = "✓ " + document.title;
    gateway.sound.letIn();
    move(1500); /* the time to hear it, by loudspeaker or screen reader */
  }
  function apply(verdict) {
    offset = Date.parse(verdict.server_time) - Date.now();
    retryAt = Date.parse(verdict.retry_at);
    const opens = (verdict.door && verdict.door.opens_at) || "";
    if (verdict.verdict === "forward") {
      letIn();
    } else if (verdict.reason === "invited" && pressed !== null) {
      join();
    } else if (verdict.verdict !== "hold" || !one('section[data-reason="' + verdict.reason + '"]')
        || (verdict.reason === "not_open" && opens !== main.dataset.opens)) {
      move(Date.now() - born < 5000 && reloaded() ? 3000 : 0);
    } else {
      if (verdict.reason !== reason) { show(verdict.reason, false); }
      queue(verdict.position);
      words(verdict.message);
      if (pressed !== null || verdict.joined) { one("#early").hidden = true; }
      awake();
    }
  }

  /* --- the one channel ---------------------------------------------------------------------------------- */
  function quiet() {
    clearTimeout(timer);
    turn += 1;
    if (stream) { stream.close(); }
    stream = null;
  }
  function connect() {
    quiet();
    if (leaving || gateway.pressing) { return; }
    if (!window.EventSource || Date.now() < noStreamUntil) { poll(); return; }
    const mine = new EventSource(here);
    let heard = false;
    stream = mine;
    const fail = () => {
      if (mine !== stream) { return; }
      /* one that never spoke is refused or held back on the way: poll for a minute before the next attempt */
      noStreamUntil = heard ? 0 : Date.now() + 60000;
      quiet();
      timer = setTimeout(poll, heard ? jitter(800) : 0);
    };
    /* a silent stream may be dead without saying so */
    const listen = () => {
      heard = true;
      clearTimeout(timer);
      timer = setTimeout(connect, jitter(HEARD_WITHIN));
    };
    timer = setTimeout(fail, 6000);
    mine.onerror = fail;
    mine.addEventListener("beat", () => { if (mine === stream) { listen(); } });
    mine.addEventListener("verdict", (event) => {
      if (mine !== stream) { return; }
      failures = 0;
      lost(false);
      listen();
      apply(JSON.parse(event.data));
    });
    mine.addEventListener("message", (event) => { if (mine === stream) { words(JSON.parse(event.data).message); } });
  }
  function poll() {
    quiet();
    const mine = turn;
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), 8000); });
    Promise.race([fetch(here, { headers: { Accept: "application/json" }, cache: "no-store" }), late]).then((answer) => (
      /* what answers with a page where something was away is what was away: it is asked for as a page */
      /_away$/.test(reason) && answer.ok && !/json/.test(answer.headers.get("Content-Type")) ? {} : answer.json()
    )).then((verdict) => {
      if (mine !== turn) { return; }
      failures = 0;
      lost(false);
      if (!verdict.verdict) { move(3000); return; }
      apply(verdict);
      if (mine !== turn) { return; }
      const away = /_away$/.test(verdict.reason);
      if (away) { noStreamUntil = 0; }
      timer = setTimeout(connect, away ? jitter(4000) : Date.now() < noStreamUntil ? jitter(10000) : 200);
    }, () => {
      if (mine !== turn) { return; }
      failures += 1;
      lost(true);
      noStreamUntil = 0;
      timer = setTimeout(poll, jitter(Math.min(10000, failures * 2000)));
    });
  }
  function join() {
    quiet();
    one("#name").value = pressed;
    gateway.press(one("#early"));
  }

  /* --- time, sleep, and the button pressed early ---------------------------------------------------------- */
  function tick() {
    if (!main.isConnected) { return; }
    const now = Date.now();
    /* a page that stood still without being told: some phones stop time and say nothing */
    if (tickedAt && now - tickedAt > 10000 && !document.hidden) { back(); }
    tickedAt = now;
    const left = retryAt - (now + offset);
    fill("count", isNaN(left) ? null : "1");
    if (leaving || isNaN(left)) { return; }
    one("#count").textContent = gateway.clock(left);
    if (left <= 0 && now - askedAt > 3000) {
      askedAt = now;
      setTimeout(connect, Math.random() * 500);
    }
  }
  function awake() {
    if (reason === "not_open" || lock || document.hidden || !navigator.wakeLock) { return; }
    lock = {};
    navigator.wakeLock.request("screen").then((held) => {
      lock = held;
      held.addEventListener("release", () => { lock = null; });
    }, () => { lock = null; });
  }
  let soon = 0;
  function back() {
    clearTimeout(soon);
    clearTimeout(slow);
    if (document.title.indexOf("● ") === 0) { document.title = document.title.slice(2); }
    /* whatever stands here may be old: after a second without an answer the page says so */
    slow = setTimeout(() => lost(true), 1000);
    soon = setTimeout(() => { leaving = false; noStreamUntil = 0; connect(); awake(); }, 30);
  }
  const living = (act) => () => { if (main) { act(); } };
  document.addEventListener("visibilitychange", living(() => { if (!document.hidden) { back(); } }));
  document.addEventListener("resume", living(back));
  window.addEventListener("online", living(back));
  window.addEventListener("offline", living(() => lost(true)));
  window.addEventListener("pageshow", (event) => { if (main && event.persisted) { back(); } });
  window.addEventListener("pagehide", quiet);
  setInterval(living(tick), 1000);

  function early() {
    const form = one("#early");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      keep(one("#name").value);
      form.hidden = true;
      one("#kept").hidden = false;
      say("#calm", plain(one("#kept")));
    });
    form.hidden = main.dataset.joined === "true" || pressed !== null;
    one("#kept").hidden = reason !== "not_open" || pressed === null;
  }
  /* called for the page as it came, and again whenever a press has put another into its place */
  gateway.live = () => {
    quiet();
    main = one("main");
    reason = main.dataset.reason;
    const asks = reason === "not_open" || /_away$/.test(reason);
    if (asks || reason === "invited") { pressed = read(shelf); } else { keep(null); }
    if (main.dataset.live === undefined) {
      write(arrival, null);
      main = null;
      return;
    }
    born = Date.now();
    offset = Date.parse(main.dataset.now) - born;
    retryAt = Date.parse(main.dataset.retry);
    leaving = false;
    early();
    since();
    gateway.sound.tell();
    tick();
    connect();
    awake();
  };
  gateway.keep = keep;
  gateway.live();
  /* pressed early, and the page was dropped before its time came: this is the press */
  const form = one("form[data-press]");
  if (form && pressed !== null && one("#name")) {
    one("#name").value = pressed;
    gateway.press(form);
  }
})();
