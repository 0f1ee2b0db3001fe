/* The live half of a hold page: hears verdicts and shows the section that belongs to each.
   Rule: one network channel at a time (event stream, else polls), and no words of its own: every text stands in
   the page, in the visitor's language. Inlined line by line: no string spans lines. Plain enough for old phones. */
(function () {
  "use strict";
  const one = (query) => document.querySelector(query);
  const all = (query) => Array.from(document.querySelectorAll(query));
  const main = one("main");
  const here = location.pathname + location.search;
  const born = Date.now();
  let offset = Date.parse(main.dataset.now) - Date.now();
  let retryAt = Date.parse(main.dataset.retry);
  let reason = main.dataset.reason;
  let stream = null;
  let timer = 0;
  let turn = 0;
  let failures = 0;
  let noStreamUntil = 0;
  let askedAt = 0;
  const shelf = "pressed " + location.pathname;
  let pressed = main.dataset.reason === "not_open" ? kept() : null;
  let leaving = false;
  let lock = null;

  function say(where, text) {
    const region = one(where);
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 100);
  }
  const lost = (yes) => { one("#offline").hidden = !yes; };
  const jitter = (ms) => ms * (0.8 + Math.random() * 0.4);

  /* --- what a verdict does to the page ------------------------------------------------------------------ */
  function fill(name, value) {
    all('[data-if="' + name + '"]').forEach((part) => { part.hidden = value === null || value === ""; });
    all('[data-slot="' + name + '"]').forEach((slot) => { slot.textContent = value === null ? "" : String(value); });
  }
  function words(text) {
    if (!text || text === one('[data-slot="message"]').textContent) { return; }
    fill("message", text);
    say("#loud", text);
  }
  function queue(position) {
    if (String(position || "") === main.dataset.position) { return; }
    main.dataset.position = position || "";
    fill("next", position === 1 ? "1" : null);
    fill("position", position > 1 ? position : null);
    const line = one("[data-queue]:not([hidden])");
    if (line) { say("#calm", line.textContent.trim()); }
  }
  function show(name, loud) {
    const section = one('section[data-reason="' + name + '"]');
    all("section[data-reason]").forEach((other) => { other.hidden = other !== section; });
    all("[data-for]").forEach((part) => { part.hidden = part.dataset.for.split(" ").indexOf(name) < 0; });
    one("#kept").hidden = name !== "not_open" || pressed === null;
    document.title = section.dataset.title;
    say(loud ? "#loud" : "#calm", section.textContent.replace(/\s+/g, " ").trim());
    reason = name;
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
  function apply(verdict) {
    offset = Date.parse(verdict.server_time) - Date.now();
    retryAt = Date.parse(verdict.retry_at);
    const opens = (verdict.door && verdict.door.opens_at) || "";
    if (verdict.verdict === "forward") {
      show("forward", true);
      move(document.hidden ? 0 : 900);
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
    if (leaving) { return; }
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
    timer = setTimeout(fail, 6000);
    mine.onerror = fail;
    mine.addEventListener("verdict", (event) => {
      if (mine !== stream) { return; }
      heard = true;
      failures = 0;
      lost(false);
      clearTimeout(timer);
      /* a silent stream may be dead without saying so: open it anew now and then */
      timer = setTimeout(connect, jitter(150000));
      apply(JSON.parse(event.data));
    });
    mine.addEventListener("message", (event) => { if (mine === stream) { words(spoken(event.data)); } });
  }
  function spoken(data) {
    try {
      const value = JSON.parse(data);
      return typeof value === "string" ? value : value.message || value.text || "";
    } catch (plainText) {
      return data;
    }
  }
  function ask(options) {
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), 8000); });
    options.headers.Accept = "application/json";
    return Promise.race([fetch(here, options), late]).then((answer) => {
      /* what answers with a page where the video service did not is the video service */
      return reason === "upstream_away" && answer.ok && !/json/.test(answer.headers.get("Content-Type")) ? {} : answer.json();
    });
  }
  function settle(asking, onLost) {
    const mine = turn;
    asking.then((verdict) => {
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
      onLost();
      failures += 1;
      lost(true);
      noStreamUntil = 0;
      timer = setTimeout(poll, jitter(Math.min(10000, failures * 2000)));
    });
  }
  function poll() {
    quiet();
    settle(ask({ headers: {}, cache: "no-store" }), () => {});
  }
  function join() {
    const name = pressed;
    keep(null);
    quiet();
    const body = JSON.stringify({ action: "join", name: name });
    settle(ask({ method: "POST", headers: { "Content-Type": "application/json" }, body: body }), () => { keep(name); });
  }

  /* --- time, sleep, and the button pressed early ---------------------------------------------------------- */
  function clock(ms) {
    const two = (n) => (n < 10 ? "0" : "") + n;
    const s = Math.max(0, Math.ceil(ms / 1000));
    const days = Math.floor(s / 86400);
    const hours = Math.floor((s % 86400) / 3600);
    const rest = two(Math.floor((s % 3600) / 60)) + ":" + two(s % 60);
    const plain = hours || days ? hours + ":" + rest : rest;
    if (!days) { return plain; }
    try {
      const unit = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "day", unitDisplay: "long" });
      return unit.format(days) + " " + plain;
    } catch (oldBrowser) {
      return days * 24 + hours + ":" + rest;
    }
  }
  function tick() {
    const now = Date.now();
    const left = retryAt - (now + offset);
    one("#count").hidden = isNaN(left);
    if (leaving || isNaN(left)) { return; }
    one("#count").textContent = clock(left);
    if (left <= 0 && now - askedAt > 3000) {
      askedAt = now;
      setTimeout(connect, Math.random() * 500);
    }
  }
  setInterval(tick, 1000);
  function awake() {
    if (reason === "not_open" || lock || document.hidden || !navigator.wakeLock) { return; }
    lock = {};
    navigator.wakeLock.request("screen").then((held) => {
      lock = held;
      held.addEventListener("release", () => { lock = null; });
    }, () => { lock = null; });
  }
  /* what was pressed outlives a new time for the session, and a phone that drops the page to save memory */
  function kept() {
    try { return sessionStorage.getItem(shelf); } catch (noStorage) { return null; }
  }
  function keep(name) {
    pressed = name;
    try {
      if (name === null) { sessionStorage.removeItem(shelf); } else { sessionStorage.setItem(shelf, name); }
    } catch (noStorage) { /* then it lives as long as the page */ }
  }
  let soon = 0;
  function back() {
    clearTimeout(soon);
    soon = setTimeout(() => { leaving = false; noStreamUntil = 0; connect(); awake(); }, 30);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { back(); } });
  document.addEventListener("resume", back);
  window.addEventListener("online", back);
  window.addEventListener("offline", () => lost(true));
  window.addEventListener("pageshow", (event) => { if (event.persisted) { back(); } });
  window.addEventListener("pagehide", quiet);
  one("#early").addEventListener("submit", (event) => {
    event.preventDefault();
    keep(one("#name").value);
    one("#early").hidden = true;
    one("#kept").hidden = false;
    say("#calm", one("#kept").textContent);
  });
  one("#early").hidden = main.dataset.joined === "true" || pressed !== null;
  one("#kept").hidden = pressed === null;
  tick();
  connect();
  awake();
})();
