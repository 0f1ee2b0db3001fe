/* On every page of a link: local times, copy buttons, and the truth again when the page said so or somebody returns.
   Rule: adds comfort only; each page works without it. Inlined line by line: no string spans lines. */
window.gateway = {};
(function () {
  "use strict";
  const all = (query) => Array.from(document.querySelectorAll(query));
  const language = document.documentElement.lang;
  const page = () => document.querySelector("main");
  const isLive = () => page().dataset.live !== undefined;
  let timer = 0;
  let lookedAt = Date.now();

  /* Shown only where the visitor's clock differs from the clinic's at that instant. */
  function localTimes() {
    all("[data-local]").forEach((place) => {
      try {
        const at = new Date(place.dataset.local);
        const style = { weekday: "short", hour: "numeric", minute: "2-digit" };
        const here = at.toLocaleString(language, style);
        const there = at.toLocaleString(language, Object.assign({ timeZone: place.dataset.zone }, style));
        place.hidden = here === there;
        place.querySelector("time").textContent = here;
      } catch (unknownZone) {
        place.hidden = true;
      }
    });
  }

  /* what is left until then, such as 1 day 2:03:04 */
  gateway.clock = (ms) => {
    const two = (n) => (n < 10 ? "0" : "") + n;
    const s = Math.max(0, Math.ceil(ms / 1000));
    const days = Math.floor(s / 86400);
    const hours = Math.floor((s % 86400) / 3600);
    const rest = two(Math.floor((s % 3600) / 60)) + ":" + two(s % 60);
    const short = hours || days ? hours + ":" + rest : rest;
    if (!days) { return short; }
    try {
      const unit = new Intl.NumberFormat(language, { style: "unit", unit: "day", unitDisplay: "long" });
      return unit.format(days) + " " + short;
    } catch (oldBrowser) {
      return days * 24 + hours + ":" + rest;
    }
  };

  function copied(button) {
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = button.dataset.label; }, 3000);
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) { return; }
    const field = button.parentNode.querySelector("input");
    if (field) { field.select(); }
    if (navigator.clipboard) {
      navigator.clipboard.writeText(field ? field.value : location.href).then(() => copied(button), () => {});
    } else if (document.execCommand("copy")) {
      copied(button);
    }
  });

  const again = () => location.replace(location.pathname + location.search);
  /* Asks what is true now; turns the page only if it is something else, so that a name half written stays. */
  function look() {
    if (isLive() || !page().dataset.reason || gateway.pressing || Date.now() - lookedAt < 1000) { return; }
    lookedAt = Date.now();
    fetch(location.href, { headers: { Accept: "application/json" }, cache: "no-store" }).then((answer) => answer.json()).then((now) => {
      if (!isLive() && !gateway.pressing && now.reason && now.reason !== page().dataset.reason) { again(); }
    }).catch(() => { /* no network: the page says what it last knew, and asks when there is one */ });
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { look(); } });
  document.addEventListener("resume", look);
  window.addEventListener("online", look);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && !isLive()) { again(); }
  });

  gateway.dress = () => {
    localTimes();
    all("[data-copy]").forEach((button) => { button.hidden = false; });
    clearTimeout(timer);
    const main = page();
    const wait = Date.parse(main.dataset.retry) - Date.parse(main.dataset.now);
    if (!isLive() && wait >= 0 && wait < 86400000) { timer = setTimeout(again, wait + 500 + Math.random() * 1500); }
  };
  gateway.dress();
})();
