/* The desk, live. Rule: the server draws; this file fetches the page again after each change, or takes the answer to a
   button, and fits it in, element by element, so that what is being typed, opened or focused stays.
   Whoever else must know that the desk was drawn listens for "desk:drawn". */
(function () {
  "use strict";
  const one = (query) => document.querySelector(query);
  const main = one("main");
  const here = location.pathname + location.search;
  const DEAD_MS = 35000; /* a stream shows a sign of life every 15 s */
  let busy = false;
  let again = false;
  let failures = 0;
  let timer = 0;
  let stream = null;
  let heard = 0;
  let asked = 0; /* requests are numbered: a late answer never covers a newer one */
  let drawn = 0;
  let pressed = 0;

  /* what this browser remembers of its desks; a browser that keeps nothing remembers until the page closes */
  const memory = {};
  window.desk = {
    recall: (name) => { try { return localStorage.getItem("desk." + name); } catch (refused) { return memory[name] || null; } },
    keep: (name, value) => { memory[name] = value; try { localStorage.setItem("desk." + name, value); } catch (refused) { /* kept above */ } },
    say: (words) => { one("#calm").textContent = words; },
    refresh: refresh,
  };

  /* --- fitting the new page into the old one ------------------------------------------------------------- */
  /* a button never turns into another one: who presses "Not now" must not let somebody in because the desk was drawn */
  const does = (part) => (part.dataset && part.dataset.do) || "";
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "") && does(a) === does(b);
  function fitAttributes(old, fresh) {
    const keep = (name) => (name === "open" && old.nodeName === "DETAILS") || (name === "hidden" && old.dataset.copy !== undefined)
      || name === "aria-current" || name === "aria-busy";
    Array.from(old.attributes).forEach((a) => { if (!fresh.hasAttribute(a.name) && !keep(a.name)) { old.removeAttribute(a.name); } });
    Array.from(fresh.attributes).forEach((a) => {
      if (old.getAttribute(a.name) !== a.value && !keep(a.name)) { old.setAttribute(a.name, a.value); }
    });
  }
  function fit(old, fresh) {
    if (old.nodeType !== 1) {
      if (old.nodeValue !== fresh.nodeValue) { old.nodeValue = fresh.nodeValue; }
      return;
    }
    fitAttributes(old, fresh);
    let place = old.firstChild;
    Array.from(fresh.childNodes).forEach((child) => {
      let found = place;
      while (found && !same(found, child)) { found = child.id || !found.id ? found.nextSibling : null; }
      if (!found) {
        const added = document.importNode(child, true);
        if (added.querySelectorAll) { added.querySelectorAll("[data-copy]").forEach((b) => { b.hidden = false; }); }
        old.insertBefore(added, place);
        return;
      }
      if (child.id) {
        if (found !== place) { old.insertBefore(found, place); }
      } else {
        while (place !== found) { place = drop(place); }
      }
      fit(found, child);
      place = found.nextSibling;
    });
    while (place) { place = drop(place); }
  }
  function drop(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  /* --- one answer becomes the desk ------------------------------------------------------------------------- */
  function draw(number, text) {
    /* its style element carries another nonce, which this page's policy would report */
    const fresh = new DOMParser().parseFromString(text.replace(/<style[^]*?<\/style>/, ""), "text/html");
    const reason = fresh.querySelector("#problem").textContent;
    if (number < drawn) { return reason; }
    drawn = number;
    const way = [];
    for (let at = document.activeElement; at && at !== document.body; at = at.parentElement) { if (at.id) { way.push(at.id); } }
    fit(one("#desk"), fresh.querySelector("#desk"));
    document.title = fresh.title;
    refocus(way);
    failures = 0;
    lost(false);
    document.dispatchEvent(new Event("desk:drawn"));
    return reason;
  }
  /* the button that was pressed may be gone: go on at its person, or at the top */
  function refocus(way) {
    if (!way.length || document.activeElement !== document.body) { return; }
    const left = way.map((id) => document.getElementById(id)).find((place) => place && place.tabIndex >= -1 && place.hasAttribute("tabindex"));
    (left || one("#count")).focus({ preventScroll: true });
  }
  function ask(options) {
    const number = asked += 1;
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), 8000); });
    const headers = { Accept: "text/html" };
    return Promise.race([fetch(here, Object.assign({ headers: headers, cache: "no-store" }, options)), late]).then((answer) => (
      answer.text().then((text) => {
        if (answer.status === 403) { return signedOut(); }
        if (text.indexOf('id="desk"') < 0) { throw new Error("not now"); }
        return draw(number, text);
      })
    ));
  }
  function signedOut() {
    if (document.body.classList.contains("beside")) { throw new Error("signed out in a call"); }
    location.reload();
  }

  /* --- staying true ---------------------------------------------------------------------------------------- */
  function lost(yes) {
    const place = one("#offline");
    if (place.hidden !== yes) { return; }
    place.hidden = !yes;
    window.desk.say(yes ? place.textContent : "");
  }
  function refresh() {
    if (busy) { again = true; return Promise.resolve(); }
    busy = true;
    return ask().catch(() => {
      failures += 1;
      lost(true);
    }).then(() => {
      busy = false;
      clearTimeout(timer);
      timer = setTimeout(refresh, pause());
      if (!stream && !failures) { listen(); }
      if (again) { again = false; refresh(); }
    });
  }
  /* waiting times grow by themselves: draw again twice a minute, when time turns something, sooner while something is wrong */
  function pause() {
    if (failures || !stream) { return 4000 + Math.random() * 2000; }
    const place = one("#desk");
    const turn = Date.parse(place.dataset.turn) - Date.parse(place.dataset.now) + 1000;
    return turn > 0 ? Math.min(turn, 30000) : 30000;
  }
  function listen() {
    if (!window.EventSource) { return; }
    const mine = new EventSource(here);
    stream = mine;
    heard = Date.now();
    mine.addEventListener("desk", () => { heard = Date.now(); if (mine === stream) { refresh(); } });
    mine.addEventListener("beat", () => { heard = Date.now(); });
    mine.onerror = () => { if (mine === stream) { forsake(); } else { mine.close(); } };
  }
  function forsake() {
    stream.close();
    stream = null;
    setTimeout(refresh, 500 + Math.random() * 1000);
  }
  setInterval(() => { if (stream && Date.now() - heard > DEAD_MS) { forsake(); } }, 5000);

  /* --- buttons ------------------------------------------------------------------------------------------------ */
  function problem(text) {
    const place = one("#problem");
    place.textContent = text;
    place.hidden = !text;
  }
  function send(form, button) {
    if (form.hasAttribute("aria-busy")) { return; }
    const fields = new URLSearchParams(new FormData(form));
    if (button && button.name) { fields.set(button.name, button.value); }
    form.setAttribute("aria-busy", "true");
    const press = pressed += 1;
    ask({ method: "POST", body: fields }).catch(() => main.dataset.failed).then((text) => {
      form.removeAttribute("aria-busy");
      /* an earlier press that went well, answered late, does not take away what a later one was told */
      if (text || press === pressed) { problem(text || ""); }
      if (text) { return; }
      form.querySelectorAll('input:not([type="hidden"])').forEach((input) => { input.value = ""; });
      const opened = form.closest("details");
      if (opened && !opened.id.startsWith("seats")) { opened.open = false; }
    });
  }
  main.addEventListener("submit", (event) => {
    if (event.target.method === "dialog") { return; }
    event.preventDefault();
    send(event.target, event.submitter);
  });

  document.addEventListener("visibilitychange", () => { if (!document.hidden) { refresh(); } });
  window.addEventListener("online", refresh);
  window.addEventListener("offline", () => lost(true));
  window.addEventListener("pageshow", (event) => { if (event.persisted) { refresh(); } });
  window.addEventListener("pagehide", () => { if (stream) { stream.close(); } stream = null; });
  listen();
  timer = setTimeout(refresh, pause());
})();
