/* The buttons that join, in place: the page that answers is fitted into this one, so that the sound the press unlocked
   is still there when the host lets somebody in. Rule: one press is sent once at a time and is not lost with the network;
   whatever does not go in place goes as the plain form. */
(function () {
  "use strict";
  const one = (query) => document.querySelector(query);
  const here = location.pathname + location.search;
  const page = { Accept: "text/html" };
  let failures = 0;

  const ask = (options) => {
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), 10000); });
    return Promise.race([fetch(here, Object.assign({ redirect: "manual", cache: "no-store" }, options)), late]);
  };
  function busy(form, yes) {
    const button = form.querySelector("button[data-busy]");
    if (!button) { return; }
    button.dataset.label = button.dataset.label || button.textContent;
    button.textContent = yes ? button.dataset.busy : button.dataset.label;
    if (yes) { button.setAttribute("aria-busy", "true"); } else { button.removeAttribute("aria-busy"); }
  }
  /* style elements of the answer carry another nonce, which this page's policy would report */
  function parsed(text) {
    const fresh = new DOMParser().parseFromString(text.replace(/<style[^]*?<\/style>/g, ""), "text/html");
    fresh.querySelectorAll("script, noscript").forEach((part) => part.remove());
    return fresh;
  }
  function fit(fresh) {
    if (gateway.endCheck) { gateway.endCheck(); }
    ["header", "main", "footer"].forEach((part) => one(part).replaceWith(document.importNode(fresh.querySelector(part), true)));
    document.body.className = fresh.body.className;
    document.title = fresh.title;
    gateway.dress();
    gateway.sound.tell();
    gateway.live();
    window.scrollTo(0, 0);
    const heading = one("section:not([hidden]) h1, .card > h1, .card > .head > h1");
    if (heading) { heading.focus(); }
  }
  function done() {
    gateway.pressing = false;
    failures = 0;
    one("#offline").hidden = true;
  }
  function turn(form, answer, text) {
    const fresh = parsed(text);
    const reason = fresh.querySelector("main") && fresh.querySelector("main").dataset.reason;
    if (!reason && answer.status >= 500) { throw new Error("somebody on the way answered, not the gateway"); }
    done();
    /* our store is away: the press is sent again once it is back */
    if (/_away$/.test(reason)) { gateway.keep(form.elements.name ? form.elements.name.value : ""); }
    /* still invited: this browser keeps no cookie, and the plain form leads to the page that says so */
    if (!reason || reason === "invited") { form.submit(); return; }
    fit(fresh);
  }
  function send(form) {
    const body = new URLSearchParams(Array.from(new FormData(form)));
    ask({ method: "POST", headers: page, body: body }).then((pressed) => (
      pressed.type === "opaqueredirect" ? ask({ headers: page }) : pressed
    )).then((answer) => {
      /* led on: this guest may go in at once */
      if (answer.type === "opaqueredirect") { done(); gateway.sound.letIn(); setTimeout(() => location.reload(), 900); return null; }
      return answer.text().then((text) => turn(form, answer, text));
    }).catch(() => {
      failures += 1;
      one("#offline").hidden = false;
      setTimeout(() => send(form), Math.min(8000, 1000 * failures) * (0.8 + Math.random() * 0.4));
    });
  }

  /* also called for a button that was pressed early, when its time has come */
  gateway.press = (form) => {
    if (gateway.pressing) { return; }
    gateway.pressing = true;
    busy(form, true);
    send(form);
  };
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.press === undefined || !window.DOMParser || !window.fetch) { return; }
    event.preventDefault();
    gateway.sound.unlock();
    gateway.press(event.target);
  });
  /* a phone that dropped the press with the page: the button is there again */
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) { gateway.pressing = false; document.querySelectorAll("form[data-press]").forEach((form) => busy(form, false)); }
  });

  /* the check of camera and microphone: its script comes when it is asked for, and listens to the button from then on */
  const start = one("#check-start");
  if (start) {
    const button = start.querySelector("button");
    const load = () => {
      const script = document.createElement("script");
      script.nonce = one("script[nonce]").nonce;
      script.src = button.dataset.src;
      script.onload = () => button.removeEventListener("click", load);
      script.onerror = () => { start.hidden = false; };
      document.head.appendChild(script);
      start.hidden = true;
    };
    button.addEventListener("click", load);
    start.hidden = false;
  }
})();
