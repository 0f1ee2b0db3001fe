// What the person sees: tiles, controls, sentences. Decides nothing about the call.
//
// Rule that holds here: names come from the platform (never from another page) and are set as text, not as markup.

const find = (selector, inside = document) => inside.querySelector(selector);
const initials = (name) => name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");

export function drawSelf({ stream, state }) {
  const tile = find("#self");
  const video = find("#self-video");
  if (video.srcObject !== stream) video.srcObject = stream;
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

// A browser that heard no click yet plays without sound only; then the person is asked for one.
async function play(video, stream) {
  if (video.srcObject === stream && !video.paused) return;
  video.srcObject = stream;
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return; // a newer stream took its place
    video.muted = true;
    video.play().catch(() => {});
    notice("Your browser waits for a click before it plays sound.", () => {
      for (const silent of document.querySelectorAll("#remotes video")) silent.muted = false;
    });
  }
}

export function say(sentence) {
  find("#status").textContent = sentence;
}

// A sentence that stays; with ``act`` it has a button that does it and goes away.
export function notice(sentence, act = null) {
  const box = find("#notice");
  find("p", box).textContent = sentence;
  const button = find("button", box);
  button.hidden = act === null;
  button.onclick = () => {
    box.hidden = true;
    act();
  };
  box.hidden = !sentence;
}

// The call is over for this page: nothing of it stays on the screen.
export function drawEnding({ title, sentence, action }) {
  find("#self-video").srcObject = null;
  find("#call").hidden = true;
  find("footer").hidden = true;
  notice("");
  const ending = find("#ending");
  find("h2", ending).textContent = title;
  find("p", ending).textContent = sentence;
  find("a", ending).textContent = action;
  ending.hidden = false;
  ending.focus();
}
