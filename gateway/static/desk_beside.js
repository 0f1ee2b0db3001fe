/* The call beside the list. Rule: it is opened by "Go in" and by nothing else; a reload of the desk never walks into a
   call. What the platform does not let stand in a frame is said, and opened in a tab. */
(function () {
  "use strict";
  const one = (query) => document.querySelector(query);
  const toggle = one("#beside-toggle");
  const place = one("#beside");
  const refused = one("#beside-refused");
  const tab = one("#beside-tab");
  const wide = window.matchMedia("(min-width: 60rem)");
  let frame = null;

  const on = () => window.desk.recall("beside") === "on";
  const inside = (link) => new URL(link, location.href).origin === location.origin; /* a frame from elsewhere knows no host */
  const entrances = () => Array.from(document.querySelectorAll("[data-entrance]"));

  function show() {
    toggle.hidden = !frame && (!wide.matches || !entrances().some((link) => inside(link.href)));
    toggle.setAttribute("aria-pressed", String(on()));
  }
  function open(link) {
    close();
    frame = document.createElement("iframe");
    frame.title = place.getAttribute("aria-label");
    frame.allow = "camera; microphone; display-capture; autoplay; fullscreen; speaker-selection; clipboard-write";
    frame.addEventListener("load", look);
    frame.src = link;
    tab.href = link;
    refused.hidden = true;
    place.appendChild(frame);
    place.hidden = false;
    document.body.classList.add("beside");
    frame.focus();
  }
  /* What a browser shows instead of a page that may not be framed is nobody's document. A call that is over leads its
     host back to this desk. */
  function look() {
    let shown = null;
    try { shown = frame.contentDocument; } catch (foreign) { shown = null; }
    if (shown && shown.location.pathname === location.pathname) {
      close();
      return;
    }
    refused.hidden = Boolean(shown);
    frame.hidden = !shown;
  }
  function close() {
    if (!frame) { return; }
    frame.remove();
    frame = null;
    place.hidden = true;
    document.body.classList.remove("beside");
    show();
    window.desk.refresh();
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-entrance]");
    if (!link || !on() || !wide.matches || !inside(link.href) || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    event.preventDefault();
    open(link.href);
  });
  toggle.addEventListener("click", () => {
    window.desk.keep("beside", on() ? "off" : "on");
    show();
  });
  one("#beside-close").addEventListener("click", close);
  tab.addEventListener("click", () => setTimeout(close, 0)); /* one call, in one place */
  window.addEventListener("beforeunload", (event) => { if (frame && !frame.hidden) { event.preventDefault(); } });
  window.addEventListener("storage", show);
  document.addEventListener("desk:drawn", show);
  wide.addEventListener("change", show);
  show();
})();
