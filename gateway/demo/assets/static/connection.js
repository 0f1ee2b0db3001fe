// The media connection to one other page: perfect negotiation (W3C webrtc-pc, section 10.7), no ICE servers.
//
// Rule that holds here: it needs signalling only to change something; when signalling is away the media goes on.
// The first offer comes from the page that came later: were both to offer, the rollback would close the data channel.
// A data channel that carries nothing tells at once when the other page has closed its connection.
//
// Events: "state" (connecting, connected, interrupted, failed), "gone" (the other page closed it), "stream".

const STATES = { new: "connecting", connecting: "connecting", connected: "connected", disconnected: "interrupted", failed: "failed" };

export class Connection extends EventTarget {
  stream = new MediaStream();
  state = "connecting";
  #peer = new RTCPeerConnection({ iceServers: [] });
  #senders = new Map();
  #send;
  #polite;
  #local;
  #offering = false;
  #ignoring = false;
  #settingAnswer = false;
  #begun = false;
  #closed = false;

  constructor({ polite, first, local, send }) {
    super();
    this.#polite = polite;
    this.#local = local;
    this.#send = send;
    const peer = this.#peer;
    peer.onnegotiationneeded = () => this.#offer();
    peer.onicecandidate = ({ candidate }) => this.#send({ candidate });
    peer.onconnectionstatechange = () => this.#changed(STATES[peer.connectionState]);
    peer.ontrack = ({ track }) => this.#received(track);
    if (first) this.#begin();
  }

  // Send this track from now on; null sends nothing of this kind.
  setTrack(kind, track) {
    if (!this.#begun) return; // begin takes what is there by then
    const sender = this.#senders.get(kind);
    if (sender) sender.replaceTrack(track).catch((error) => console.warn("the track was not replaced", error));
    else if (track) this.#senders.set(kind, this.#peer.addTrack(track, this.#local));
  }

  // Look for a new way to the other page, for example after it changed its network.
  restart() {
    this.#peer.restartIce();
  }

  async receive({ description, candidate }) {
    if (this.#closed) return;
    try {
      if (description) await this.#describe(description);
      else await this.#peer.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      if (!this.#ignoring && !this.#closed) console.warn("a signal was of no use", error);
    }
  }

  close() {
    this.#closed = true;
    this.#peer.close();
    for (const track of this.stream.getTracks()) track.stop();
  }

  #begin() {
    this.#begun = true;
    const pulse = this.#peer.createDataChannel("pulse", { negotiated: true, id: 0 });
    pulse.onclose = () => this.#closed || this.dispatchEvent(new Event("gone"));
    for (const track of this.#local.getTracks()) this.setTrack(track.kind, track);
  }

  async #offer() {
    try {
      this.#offering = true;
      await this.#peer.setLocalDescription();
      this.#send({ description: this.#peer.localDescription });
    } catch (error) {
      if (!this.#closed) console.warn("no offer was made", error);
    } finally {
      this.#offering = false;
    }
  }

  async #describe(description) {
    const ready = !this.#offering && (this.#peer.signalingState === "stable" || this.#settingAnswer);
    const collision = description.type === "offer" && !ready;
    this.#ignoring = !this.#polite && collision;
    if (this.#ignoring) return;
    this.#settingAnswer = description.type === "answer";
    try {
      await this.#peer.setRemoteDescription(description);
    } finally {
      this.#settingAnswer = false;
    }
    if (description.type === "offer") {
      if (!this.#begun) this.#begin();
      await this.#peer.setLocalDescription();
      this.#send({ description: this.#peer.localDescription });
    }
  }

  #received(track) {
    for (const old of this.stream.getTracks()) if (old.kind === track.kind) this.stream.removeTrack(old);
    this.stream.addTrack(track);
    this.dispatchEvent(new Event("stream"));
  }

  #changed(state) {
    if (!state || state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
    if (state === "failed") this.restart();
  }
}
