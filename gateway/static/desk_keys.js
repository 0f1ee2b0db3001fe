/* Shortcuts of the desk. Rule: one key presses a button that is there, for the person who is chosen; never while
   somebody types, never with Ctrl, Alt or Meta, and not at all once they are turned off. */
(function () {
  "use strict";
  const one = (query) => document.querySelector(query);
  const all = (query) => Array.from(document.querySelectorAll(query));
  const overlay = one("#keys");
  const choice = one("#keys-on");
  const opener = one("#keys-open");
  const rows = () => all(".guests > li");
  const chosen = () => document.activeElement.closest(".guests > li");
  const on = () => window.desk.recall("keys") !== "off";

  function choose(row) {
    if (!row) { return; }
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }
  function step(by) {
    const list = rows();
    const at = list.indexOf(chosen());
    choose(list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)]);
  }
  /* Nobody is let in unseen: without a chosen person the key only chooses the first who waits. */
  function forPerson(act) {
    const row = chosen();
    if (row) { act(row); } else { choose(one("[data-waits]")); }
  }
  function press(row, query) {
    const found = row.querySelector(query);
    if (found) { found.click(); }
  }
  const button = (row, what) => press(row, 'input[name="do"][value="' + what + '"] ~ button');
  function write(row, what) {
    const field = row.querySelector('input[name="do"][value="' + what + '"] ~ div input');
    if (!field) { return; }
    field.closest("details").open = true;
    field.focus();
  }
  function showEnd() {
    const part = one(".here .end") || one(".end");
    if (!part) { return; }
    part.open = !part.open;
    part.querySelector(part.open ? "button" : "summary").focus();
  }
  function toggle() {
    if (overlay.open) { overlay.close(); } else { overlay.showModal(); }
  }
  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    a: () => forPerson((row) => press(row, ".acts > form > button.main, .acts > a.main, .acts > form > input[value='admit'] ~ button")),
    d: () => forPerson((row) => button(row, "deny")),
    m: () => forPerson((row) => write(row, "message")),
    h: () => forPerson((row) => write(row, "hold")),
    e: showEnd,
    s: () => one("#sound").click(),
    "?": toggle,
  };
  /* on a keyboard without Latin letters the place of the key counts */
  function named(event) {
    const key = event.key.toLowerCase();
    return key in KEYS || /^[\x20-\x7f]$/.test(key) ? key : (event.code || "").replace("Key", "").toLowerCase();
  }
  const types = (place) => place.isContentEditable || /^(TEXTAREA|SELECT)$/.test(place.nodeName)
    || (place.nodeName === "INPUT" && !place.readOnly && place.type !== "checkbox");

  document.addEventListener("keydown", (event) => {
    if (!on() || event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing || types(event.target)) { return; }
    const key = named(event);
    if (!Object.prototype.hasOwnProperty.call(KEYS, key) || (overlay.open && key !== "?")) { return; }
    event.preventDefault();
    KEYS[key]();
  });
  if (overlay.showModal) {
    opener.hidden = false;
    opener.addEventListener("click", toggle);
  }
  const showChoice = () => { choice.checked = on(); };
  choice.addEventListener("change", () => window.desk.keep("keys", choice.checked ? "on" : "off"));
  window.addEventListener("storage", showChoice);
  showChoice();
})();
