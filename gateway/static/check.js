/* Camera, microphone and connection, checked in this browser alone. Fetched only when somebody asks for it.
   Rule: pictures and sound go nowhere but to this page; the only requests are for this very file, at the gateway;
   every failure is told in the words that stand in the page; everything is given back when the check ends. */
(function () {
  "use strict";
  const here = document.currentScript.src;
  const start = document.querySelector("#check-start");
  const IN_APP = /FBAN|FBAV|Instagram|Line\/|MicroMessenger|; wv\)|Snapchat|TikTok|Twitter|LinkedInApp/;
  const SLOW_MS = 400;
  const FAULTS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", OverconstrainedError: "missing", NotReadableError: "taken", AbortError: "taken" };
  start.after(document.importNode(document.querySelector("#check").content, true));
  const panel = start.parentNode.querySelector(".check");
  const one = (query) => panel.querySelector(query);
  const meter = one("meter");
  const video = one("video");
  let streams = [];
  let ears = null;
  let round = 0;

  function tell(part, word) {
    const region = one('[data-part="' + part + '"] [role="status"]');
    if (region.dataset.told === word) { return; }
    region.dataset.told = word;
    region.textContent = "";
    if (word) { region.appendChild(one('[data-word="' + word + '"]').cloneNode(true)); }
    if (word === "inside") { one("[data-copy-link]").hidden = false; }
  }
  function release() {
    round += 1;
    streams.forEach((stream) => stream.getTracks().forEach((track) => track.stop()));
    streams = [];
    video.srcObject = null;
    video.hidden = true;
    meter.hidden = true;
    if (ears) { ears.close(); }
    ears = null;
  }
  function stop() {
    release();
    panel.hidden = true;
    start.hidden = false;
    start.querySelector("button").focus();
  }

  /* --- what can be known before anybody is asked ------------------------------------------------------------- */
  function impossible() {
    if (!window.isSecureContext) { return "insecure"; }
    return navigator.mediaDevices && navigator.mediaDevices.getUserMedia && window.RTCPeerConnection ? "" : "inside";
  }
  function device(part, asked, use) {
    const mine = round;
    tell(part, "asking");
    return navigator.mediaDevices.getUserMedia(asked).then((stream) => {
      if (mine !== round) { stream.getTracks().forEach((track) => track.stop()); return; }
      streams.push(stream);
      use(stream);
    }, (fault) => {
      if (mine !== round) { return; }
      const word = FAULTS[fault.name] || "failed";
      tell(part, word === "denied" && IN_APP.test(navigator.userAgent) ? "inside" : word);
    });
  }
  function picture(stream) {
    video.srcObject = stream;
    video.hidden = false;
    tell("camera", "camera");
  }
  function listen(stream) {
    const Context = window.AudioContext || window.webkitAudioContext;
    tell("microphone", Context ? "listening" : "microphone");
    if (!Context) { return; }
    const mine = round;
    ears = new Context();
    const analyser = ears.createAnalyser();
    const wave = new Uint8Array(analyser.fftSize);
    ears.createMediaStreamSource(stream).connect(analyser);
    meter.hidden = false;
    const measure = () => {
      if (mine !== round) { return; }
      analyser.getByteTimeDomainData(wave);
      const loud = Math.max.apply(null, wave) - 128;
      meter.value = Math.min(100, loud * 2);
      if (loud > 12) { tell("microphone", "microphone"); }
      setTimeout(measure, 100);
    };
    ears.resume().then(measure, measure);
  }

  /* --- the way to us and back, five times; the middle one counts ------------------------------------------------ */
  function trip() {
    const began = performance.now();
    return fetch(here, { method: "HEAD", cache: "no-store" }).then((answer) => {
      if (!answer.ok) { throw new Error("not reached"); }
      return performance.now() - began;
    });
  }
  function connection() {
    const mine = round;
    const times = [];
    const next = () => trip().then((ms) => { times.push(ms); return times.length < 5 && mine === round ? next() : times; });
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), 8000); });
    tell("connection", "checking");
    Promise.race([next(), late]).then(() => {
      if (mine === round) { tell("connection", times.sort((a, b) => a - b)[times.length >> 1] < SLOW_MS ? "quick" : "slow"); }
    }, () => { if (mine === round) { tell("connection", "lost"); } });
  }

  function check() {
    release();
    panel.hidden = false;
    start.hidden = true;
    one("[data-copy-link]").hidden = true;
    one("#check-title").focus();
    const word = impossible();
    connection();
    if (word) {
      tell("camera", word);
      tell("microphone", word);
      return;
    }
    /* one question after the other: two at once hide each other on some phones */
    device("camera", { video: { facingMode: "user" } }, picture).then(() => device("microphone", { audio: true }, listen));
  }
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) { if (button.dataset.do === "stop") { stop(); } else { check(); } }
  });
  start.querySelector("button").addEventListener("click", check);
  gateway.endCheck = release;
  window.addEventListener("pagehide", release);
  gateway.dress();
  check();
})();
