// The person's own microphone and camera.
//
// Rule that holds here: whatever the devices do, the call goes on; without them the person sees and hears the others.
// The camera switched off is released, so that its light goes out; the muted microphone is kept, so that it is back at once.
//
// Event: "change" (detail: {kind, track}), after every new or ended track.

const WANTED = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 20 } },
};

export class LocalMedia extends EventTarget {
  stream = new MediaStream();
  muted = false;
  #over = false;

  track(kind) {
    return this.stream.getTracks().find((track) => track.kind === kind) ?? null;
  }

  get state() {
    return { audio: this.track("audio") !== null && !this.muted, video: this.track("video") !== null };
  }

  // Ask for both, then for either; resolves to a sentence for the person if something is missing, else "".
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      return "This address is not secure, so the browser offers no camera or microphone. You can see and hear the others.";
    }
    const trouble = await this.#ask(["audio", "video"]);
    if (!trouble) return "";
    if (trouble !== "NotAllowedError") {
      const [noMicrophone, noCamera] = [await this.#ask(["audio"]), await this.#ask(["video"])];
      if (!noMicrophone) return "No camera was found. The others can hear you.";
      if (!noCamera) return "No microphone was found. The others can see you, but not hear you.";
      return "No camera or microphone was found. You can see and hear the others.";
    }
    return "The browser was not allowed to use your camera and microphone. You can see and hear the others.";
  }

  // Switch the microphone or the camera; resolves to true if it now is as wanted.
  async toggle(kind) {
    const track = this.track(kind);
    if (!track) return (await this.#ask([kind])) === "";
    if (kind === "audio") {
      this.muted = !this.muted;
      track.enabled = !this.muted;
      this.#changed(kind);
    } else {
      this.#drop(track);
    }
    return true;
  }

  // Stop everything at once and for good.
  stop() {
    this.#over = true;
    for (const track of this.stream.getTracks()) this.#drop(track);
  }

  async #ask(kinds) {
    let found;
    try {
      found = await navigator.mediaDevices.getUserMedia(Object.fromEntries(kinds.map((kind) => [kind, WANTED[kind]])));
    } catch (error) {
      return error.name;
    }
    for (const track of found.getTracks()) {
      if (this.#over || this.track(track.kind)) track.stop(); // left, or asked twice, while the browser was asking
      else this.#take(track);
    }
    return "";
  }

  #take(track) {
    if (track.kind === "audio") {
      this.muted = false;
    }
    this.stream.addTrack(track);
    track.onended = () => this.#drop(track); // unplugged
    this.#changed(track.kind);
  }

  #drop(track) {
    track.onended = null;
    track.stop();
    this.stream.removeTrack(track);
    this.#changed(track.kind);
  }

  #changed(kind) {
    this.dispatchEvent(new CustomEvent("change", { detail: { kind, track: this.track(kind) } }));
  }
}
