/* What the desk says aloud. Rule: the gateway decides who rings and when; here each ring is heard once in this browser,
   however many tabs, reloads and reconnections there are. A ring is known by its guest and the instant it began. */
(function () {
  "use strict";
  const one = (query) => document.querySelector(query);
  const all = (query) => Array.from(document.querySelectorAll(query));
  const main = one("main");
  const button = one("#sound");
  const silent = one("#silent");
  const Context = window.AudioContext || window.webkitAudioContext;
  const KEPT = 60;
  const said = {};
  const seen = {};
  let unheard = []; /* rings that this browser had no leave to play */
  let speaker = null;

  /* --- one tab of several ------------------------------------------------------------------------------------ */
  function once(key, act) {
    const claim = () => {
      const known = (window.desk.recall("heard") || "").split(" ");
      if (known.indexOf(key) >= 0) { return; }
      window.desk.keep("heard", known.concat(key).slice(-KEPT).join(" "));
      act();
    };
    if (navigator.locks) { navigator.locks.request("desk.heard", claim); } else { claim(); }
  }

  /* --- the sound ----------------------------------------------------------------------------------------------- */
  const wanted = () => window.desk.recall("sound") !== "off";
  const ready = () => speaker && speaker.state === "running";
  function chime() {
    [880, 660].forEach((pitch, nth) => {
      const tone = speaker.createOscillator();
      const volume = speaker.createGain();
      const start = speaker.currentTime + nth * 0.35;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(0.25, start + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.6);
      tone.connect(volume);
      volume.connect(speaker.destination);
      tone.start(start);
      tone.stop(start + 0.65);
    });
  }
  function showSound() {
    button.hidden = !Context;
    button.setAttribute("aria-pressed", String(wanted()));
    silent.hidden = !Context || !wanted() || ready();
  }
  /* Browsers keep a page silent until its first click or key. Whoever presses something sees who waits: what rang
     before is not rung again over it; only the button that asks for sound answers with one. */
  function wake(aloud) {
    if (!Context) { return; }
    if (!speaker) {
      speaker = new Context();
      speaker.onstatechange = showSound;
    }
    const heard = unheard;
    unheard = [];
    speaker.resume().then(() => {
      heard.forEach((key) => once(key, () => {}));
      if (aloud && ready()) { chime(); }
      showSound();
    }, showSound);
  }

  /* --- who rings ------------------------------------------------------------------------------------------------ */
  function ring(key) {
    if (seen[key]) { return; }
    seen[key] = true;
    if (!wanted()) {
      once(key, () => {});
    } else if (ready()) {
      once(key, chime);
    } else {
      unheard.push(key);
    }
    note(key);
  }
  /* A notice of the desktop names nobody: whoever passes by may read it. A tab that is looked at needs none. */
  function note(key) {
    if (!("Notification" in window) || Notification.permission !== "granted") { return; }
    const looked = document.hasFocus() && !document.hidden;
    setTimeout(() => once("note:" + key, () => {
      if (looked) { return; }
      const shown = new Notification(main.dataset.noteTitle, { body: main.dataset.note, tag: key, silent: true });
      shown.onclick = () => { window.focus(); shown.close(); };
    }), looked ? 0 : 800);
  }
  function look(first) {
    const news = all("[data-say]").filter((place) => {
      const key = place.id + (place.dataset.again === undefined ? "" : "+");
      const fresh = !said[key];
      said[key] = true;
      return fresh;
    });
    if (news.length && !first) { window.desk.say(news.map((place) => place.dataset.say).join(". ")); }
    const here = {};
    all("[data-say]").forEach((place) => { here[place.id] = true; });
    Object.keys(said).forEach((key) => { if (!here[key.replace("+", "")]) { delete said[key]; } });
    all("[data-ring]").forEach((row) => { ring(row.id + "@" + row.dataset.ring + (row.dataset.again === undefined ? "" : "+")); });
  }

  document.addEventListener("desk:drawn", () => look(false));
  document.addEventListener("click", (event) => { if (!ready()) { wake(silent.contains(event.target) && event.target.closest("button")); } });
  document.addEventListener("keydown", () => { if (!ready()) { wake(false); } });
  button.addEventListener("click", () => {
    window.desk.keep("sound", wanted() ? "off" : "on");
    showSound();
    if (wanted()) { wake(true); }
  });
  window.addEventListener("storage", showSound);

  const notify = one("#notify");
  const showNotify = () => { notify.hidden = !("Notification" in window) || Notification.permission !== "default"; };
  notify.addEventListener("click", () => { Notification.requestPermission().then(showNotify, showNotify); });
  showNotify();
  if (Context) {
    speaker = new Context(); /* runs at once where the browser already lets this site play */
    speaker.onstatechange = () => { showSound(); };
  }
  showSound();
  look(true);
})();
