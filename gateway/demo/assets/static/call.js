// The call page: the person's media, the signalling, and one connection to every other page of the call.
//
// Rule that holds here: the gateway decides who may be here. While its socket is only dropped, the media between the
// browsers goes on; when the gateway refuses it, all media stops at once and the page asks the gateway again.
//
// For tests and other watchers:
//   window.callState = {phase, you, media: {audio, video}, remotes: [{id, name, role, state, audio, video, away}]}
//   phase: connecting, in-call, reconnecting, left, removed, refused, full     state: connecting, connected, interrupted, failed
//   body[data-phase], body[data-remotes] (how many others), #remotes .tile.remote[data-peer][data-state] > video,
//   #self-video, #mic-button, #camera-button, #hang-up, #ending

import { Connection } from "./connection.js";
import { LocalMedia } from "./media.js";
import { Signalling } from "./signalling.js";
import { drawEnding, drawRemote, drawSelf, notice, removeRemote, say, turnOnSound } from "./view.js";

const MISSING_FOR_MS = 20000; // how long a connected page that the platform does not know (yet) is kept
const RELOAD_AGAIN_AFTER_MS = 10000;

const { alias } = document.body.dataset;
const media = new LocalMedia();
const signalling = new Signalling(`/signal/${alias}`);
const remotes = new Map(); // id -> {id, name, role, audio, video, away, connection, missing}
let you = "";

function tell(phase) {
  document.body.dataset.phase = phase;
  const others = [...remotes.values()].map(({ id, name, role, audio, video, away, connection }) => (
    { id, name, role, audio, video, away, state: connection.state }));
  window.callState = { phase, you, media: media.state, remotes: others };
}

const over = () => ["left", "removed", "refused", "full"].includes(document.body.dataset.phase);
const refresh = () => tell(document.body.dataset.phase);

function draw(remote) {
  drawRemote({ ...remote, state: remote.connection.state, stream: remote.connection.stream });
  refresh();
}

function meet(facts, first) {
  const known = remotes.get(facts.id);
  if (known) {
    clearTimeout(known.missing);
    Object.assign(known, facts);
    if (known.connection.state === "failed") known.connection.restart();
    draw(known);
    return;
  }
  const connection = new Connection({
    polite: you < facts.id,
    first,
    local: media.stream,
    send: (data) => signalling.send({ type: "signal", to: facts.id, data }),
  });
  const remote = { ...facts, connection, missing: 0 };
  remotes.set(facts.id, remote);
  connection.addEventListener("stream", () => draw(remote));
  connection.addEventListener("gone", () => part(remote));
  connection.addEventListener("state", () => (remote.away && connection.state === "failed" ? part(remote) : draw(remote)));
  draw(remote);
}

function part(remote) {
  if (!remote || remotes.get(remote.id) !== remote) return;
  clearTimeout(remote.missing);
  remotes.delete(remote.id);
  remote.connection.close();
  removeRemote(remote.id);
  refresh();
}

function goodbye(remote) {
  say(`${remote.name || "Somebody"} left`, { passing: true });
  part(remote);
}

// After a reconnect: whoever is not listed may be reconnecting too, so their media is kept for a while.
function welcome(message) {
  you = message.you;
  tell("in-call");
  say("");
  const listed = new Set(message.peers.map((peer) => peer.id));
  for (const remote of remotes.values()) {
    if (!listed.has(remote.id)) {
      remote.away = true;
      clearTimeout(remote.missing);
      remote.missing = setTimeout(() => part(remote), MISSING_FOR_MS);
    }
  }
  for (const peer of message.peers) meet(peer, true);
  refresh();
}

function change(id, facts) {
  const remote = remotes.get(id);
  if (remote) draw(Object.assign(remote, facts));
}

function hear(message) {
  switch (message.type) {
    case "welcome": return welcome(message);
    case "joined": say(`${message.peer.name || "Somebody"} joined`, { passing: true }); return meet(message.peer, false);
    case "back": return meet(message.peer, false);
    case "away": return change(message.id, { away: true });
    case "media": return change(message.id, { audio: message.audio, video: message.video });
    case "signal": return remotes.get(message.from)?.connection.receive(message.data);
    case "left": return remotes.has(message.id) ? goodbye(remotes.get(message.id)) : undefined;
  }
}

function stop(phase) {
  for (const remote of [...remotes.values()]) part(remote);
  media.stop();
  tell(phase);
  say("");
}

function hangUp() {
  signalling.leave();
  stop("left");
  drawEnding({ title: "You left the call", sentence: "Your camera and microphone are off.", action: "Come back" });
}

// Ask the gateway again: it leads to the right page. Once; a page refused over and over must not spin.
function refused() {
  stop("removed");
  const before = Number(sessionStorage.getItem("reloaded-at"));
  if (Date.now() - before > RELOAD_AGAIN_AFTER_MS) {
    sessionStorage.setItem("reloaded-at", Date.now());
    location.reload();
    return;
  }
  tell("refused");
  drawEnding({ title: "This call is not open to you now", sentence: "Open your link again, or ask the clinic.", action: "Try again" });
}

function full() {
  stop("full");
  drawEnding({ title: "This call is full", sentence: "Please try again when somebody has left.", action: "Try again" });
}

async function toggle(kind) {
  if (!(await media.toggle(kind))) notice(`The browser gave no ${kind === "audio" ? "microphone" : "camera"}.`);
  else notice("");
}

media.addEventListener("change", ({ detail: { kind, track } }) => {
  for (const { connection } of remotes.values()) connection.setTrack(kind, track);
  signalling.setMedia(media.state);
  drawSelf({ stream: media.stream, state: media.state });
  if (track) turnOnSound();
  refresh();
});
signalling.addEventListener("message", (event) => hear(event.detail));
signalling.addEventListener("down", () => {
  tell("reconnecting");
  say("Connection lost. Reconnecting…");
});
signalling.addEventListener("refused", refused);
signalling.addEventListener("full", full);
document.querySelector("#mic-button").addEventListener("click", () => toggle("audio"));
document.querySelector("#camera-button").addEventListener("click", () => toggle("video"));
document.querySelector("#hang-up").addEventListener("click", hangUp);
addEventListener("pagehide", () => over() || (signalling.leave(), stop("left")));
addEventListener("pageshow", (event) => event.persisted && location.reload());

tell("connecting");
addEventListener("load", async () => { // not before: a video without pictures would keep the page "loading"
  signalling.open();
  const missing = await media.start();
  if (over()) return;
  drawSelf({ stream: media.stream, state: media.state });
  notice(missing);
});
