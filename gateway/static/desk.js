/* The desk, live. Rule: the server draws; this file fetches the page again after each change and fits the new one in,
   element by element, so that what is being typed, opened or focused stays. Every button is a form whose fields go
   as JSON. One ring when somebody starts to ring; the count stands in the title. */
(function () {
  "use strict";
  const one = (query) => document.querySelector(query);
  const main = one("main");
  const here = location.pathname + location.search;
  let busy = false;
  let again = false;
  let failures = 0;
  let timer = 0;
  let stream = null;
  let sound = null;
  let ringing = rings();

  /* --- fitting the new page into the old one ------------------------------------------------------------- */
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
  function fitAttributes(old, fresh) {
    const keep = (name) => (name === "open" && old.nodeName === "DETAILS") || (name === "hidden" && old.dataset.copy !== undefined);
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
        added.querySelectorAll && added.querySelectorAll("[data-copy]").forEach((b) => { b.hidden = false; });
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

  /* --- staying true ---------------------------------------------------------------------------------------- */
  const lost = (yes) => { one("#offline").hidden = !yes; };
  function refresh() {
    if (busy) { again = true; return Promise.resolve(); }
    busy = true;
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), 8000); });
    return Promise.race([fetch(here, { headers: { Accept: "text/html" }, cache: "no-store" }), late]).then((answer) => {
      if (answer.status === 403) { location.reload(); }
      if (!answer.ok) { throw new Error("not now"); }
      return answer.text();
    }).then((text) => {
      /* its style element carries another nonce, which this page's policy would report */
      const plain = text.replace(/<style[^]*?<\/style>/, "");
      const fresh = new DOMParser().parseFromString(plain, "text/html");
      fit(one("#desk"), fresh.querySelector("#desk"));
      document.title = fresh.title;
      failures = 0;
      lost(false);
      announce();
    }).catch(() => {
      failures += 1;
      lost(true);
    }).then(() => {
      busy = false;
      clearTimeout(timer);
      /* waiting times grow by themselves: draw again twice a minute, sooner while something is wrong */
      timer = setTimeout(refresh, failures || !stream ? 4000 + Math.random() * 2000 : 30000);
      if (!stream && !failures) { listen(); }
      if (again) { again = false; refresh(); }
    });
  }
  function listen() {
    if (!window.EventSource) { return; }
    const mine = new EventSource(here);
    stream = mine;
    mine.addEventListener("desk", () => { if (mine === stream) { refresh(); } });
    mine.onerror = () => {
      mine.close();
      if (mine !== stream) { return; }
      stream = null;
      setTimeout(refresh, 500 + Math.random() * 1000);
    };
  }

  /* --- one ring, and one more as a reminder ---------------------------------------------------------------------------------------------- */
  function rings() {
    return Array.from(document.querySelectorAll("[data-rings]")).map((row) => row.id + (row.dataset.again === undefined ? "" : "+"));
  }
  function announce() {
    const now = rings();
    const fresh = now.filter((id) => ringing.indexOf(id) < 0);
    ringing = now;
    if (!fresh.length) { return; }
    one("#calm").textContent = document.getElementById(fresh[0].replace("+", "")).dataset.rings;
    chime();
  }
  function speaker() {
    const Context = window.AudioContext || window.webkitAudioContext;
    if (!sound && Context) { sound = new Context(); }
    return sound;
  }
  function chime() {
    const context = speaker();
    if (!context || context.state !== "running") { return; }
    [880, 660].forEach((pitch, nth) => {
      const tone = context.createOscillator();
      const volume = context.createGain();
      const start = context.currentTime + nth * 0.35;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(0.25, start + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.6);
      tone.connect(volume);
      volume.connect(context.destination);
      tone.start(start);
      tone.stop(start + 0.65);
    });
  }
  /* browsers keep a page silent until its first click: say so, and let any click or key do */
  function wakeSound() {
    const context = speaker();
    if (!context) { return; }
    const tell = () => { one("#silent").hidden = context.state === "running"; };
    context.onstatechange = tell;
    context.resume().then(tell, tell);
  }

  /* --- buttons ------------------------------------------------------------------------------------------------ */
  function problem(text) {
    const place = one("#problem");
    place.textContent = text;
    place.hidden = !text;
  }
  function send(form, button) {
    const fields = {};
    new FormData(form).forEach((value, name) => { fields[name] = /^(minutes|seat)$/.test(name) ? Number(value) : value; });
    if (button) { button.setAttribute("aria-busy", "true"); }
    return fetch(here, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(fields),
    }).then((answer) => {
      if (answer.ok) { return null; }
      return answer.json().then((fault) => fault.detail || fault.title || main.dataset.failed);
    }).catch(() => main.dataset.failed).then((text) => {
      problem(text || "");
      if (button) { button.removeAttribute("aria-busy"); }
      if (!text) {
        form.querySelectorAll('input:not([type="hidden"])').forEach((input) => { input.value = ""; });
        const opened = form.closest("details");
        if (opened) { opened.open = false; }
      }
      return refresh();
    });
  }
  main.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.target, event.submitter);
  });

  document.addEventListener("visibilitychange", () => { if (!document.hidden) { refresh(); } });
  window.addEventListener("online", refresh);
  window.addEventListener("offline", () => lost(true));
  window.addEventListener("pageshow", (event) => { if (event.persisted) { refresh(); } });
  window.addEventListener("pagehide", () => { if (stream) { stream.close(); } stream = null; });
  document.addEventListener("click", wakeSound);
  document.addEventListener("keydown", wakeSound);
  one("#silent").hidden = !(window.AudioContext || window.webkitAudioContext);
  listen();
  timer = setTimeout(refresh, 30000);
})();
