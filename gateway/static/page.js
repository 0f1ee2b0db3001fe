/* On every page of a link: local times, copy buttons, and asking again when the page said so.
   Rule: adds comfort only; each page works without it. Inlined line by line: no string spans lines. */
(function () {
  "use strict";
  const all = (query) => Array.from(document.querySelectorAll(query));
  const language = document.documentElement.lang;
  const main = document.querySelector("main");

  /* Shown only where the visitor's clock differs from the clinic's at that instant. */
  all("[data-local]").forEach((place) => {
    try {
      const at = new Date(place.dataset.local);
      const style = { weekday: "short", hour: "2-digit", minute: "2-digit" };
      const here = at.toLocaleString(language, style);
      const there = at.toLocaleString(language, Object.assign({ timeZone: place.dataset.zone }, style));
      place.hidden = here === there;
      place.querySelector("time").textContent = here;
    } catch (unknownZone) {
      place.hidden = true;
    }
  });

  function copied(button) {
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = button.dataset.label; }, 3000);
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) { return; }
    const field = button.parentNode.querySelector("input");
    field.select();
    if (navigator.clipboard) {
      navigator.clipboard.writeText(field.value).then(() => copied(button), () => field.select());
    } else if (document.execCommand("copy")) {
      copied(button);
    }
  });
  all("[data-copy]").forEach((button) => { button.hidden = false; });

  const again = () => location.replace(location.pathname + location.search);
  if (main.dataset.live === undefined) {
    const wait = Date.parse(main.dataset.retry) - Date.parse(main.dataset.now);
    if (wait >= 0 && wait < 86400000) { setTimeout(again, wait + 500 + Math.random() * 1500); }
    window.addEventListener("pageshow", (event) => { if (event.persisted) { again(); } });
  }
})();
