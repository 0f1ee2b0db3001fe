// What the person sees: tiles, controls, sentences. Decides nothing about the call.
//
// Rule that holds here: names come from the platform (never from another page) and are set as text, not as markup.

const PASSING_MS = 6000;
let saying = 0;

const find = (selector, inside = document) => inside.querySelector(selector);
const initials = (name) => name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");

export function drawSelf({ stream, state }) {
  const tile = find("#self");
  const video = find("#self-video");
  const shown = state.video ? stream : null;
  if (video.srcObject !== shown) video.srcObject = shown;
  drawMedia(tile, state);
  find(".portrait", tile).textContent = initials(document.body.dataset.name);
  drawButton(find("#mic-button"), state.audio, "Mute", "Unmute");
  drawButton(find("#camera-button"), state.video, "Stop camera", "Start camera");
}

function drawButton(button, on, whenOn, whenOff) {
  button.disabled = false;
  button.setAttribute("aria-pressed", String(!on));
  find("span", button).textContent = on ? whenOn : whenOff;
}

function drawMedia(tile, { audio, video }) {
  tile.dataset.audio = audio ? "on" : "off";
  tile.dataset.video = video ? "on" : "off";
}

// The tile of another person: drawn anew with every change of what is known of them.
export function drawRemote(remote) {
  let tile = find(`#remotes [data-peer="${CSS.escape(remote.id)}"]`);
  if (!tile) {
    tile = find("#tile").content.firstElementChild.cloneNode(true);
    tile.dataset.peer = remote.id;
    find("#remotes").append(tile);
  }
  const name = remote.name || (remote.role === "host" ? "Host" : "Guest");
  find(".name", tile).textContent = name;
  find(".role", tile).textContent = remote.name ? remote.role : "";
  find(".portrait", tile).textContent = initials(name);
  tile.dataset.state = remote.state;
  drawMedia(tile, remote);
  if (remote.stream) play(find("video", tile), remote.stream);
  drawCount();
}

export function removeRemote(id) {
  const tile = find(`#remotes [data-peer="${CSS.escape(id)}"]`);
  if (!tile) return;
  find("video", tile).srcObject = null;
  tile.remove();
  drawCount();
}

function drawCount() {
  const count = find("#remotes").childElementCount;
  find("#remotes").dataset.count = count;
  document.body.dataset.remotes = count;
  find("#alone").hidden = count > 0;
}

function play(video, stream) {
  if (video.srcObject === stream && !video.paused) return;
  video.srcObject = stream;
  sound(video);
}

// A browser that heard no click yet, and records nothing, plays without sound only; then the person is asked for a click.
async function sound(video) {
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return; // a newer stream took its place
    video.muted = true;
    video.play().catch(() => {});
    find("#sound").hidden = false;
    find("#sound button").onclick = turnOnSound;
  }
}

// Try again with sound: after a click, or once the person's own devices are on.
export function turnOnSound() {
  if (find("#sound").hidden) return;
  find("#sound").hidden = true;
  for (const video of document.querySelectorAll("#remotes video")) {
    video.muted = false;
    sound(video);
  }
}

// A sentence at the top, read out; with ``passing`` it goes by itself.
export function say(sentence, { passing = false } = {}) {
  clearTimeout(saying);
  find("#status").textContent = sentence;
  if (passing) saying = setTimeout(() => say(""), PASSING_MS);
}

// A sentence that stays until it is replaced; "" hides it.
export function notice(sentence) {
  find("#notice p").textContent = sentence;
  find("#notice").hidden = !sentence;
}

// The call is over for this page: nothing of it stays on the screen.
export function drawEnding({ title, sentence, action }) {
  find("#self-video").srcObject = null;
  find("#call").hidden = true;
  find("footer").hidden = true;
  find("#notices").hidden = true;
  const ending = find("#ending");
  find("h2", ending).textContent = title;
  find("p", ending).textContent = sentence;
  find("a", ending).textContent = action;
  ending.hidden = false;
  ending.focus();
}
