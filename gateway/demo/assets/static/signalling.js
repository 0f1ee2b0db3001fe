// The signalling socket of one page, kept open for as long as the gateway allows it.
//
// Rule that holds here: a dropped socket is opened again with back-off, a refused one never. Refused means close code
// 4403, or that the address answers a plain request with a 4xx (a script cannot see the status of a failed WebSocket,
// so it asks; 426 is the platform's "you may connect").
//
// Events: "message" (detail: the message), "down", "refused", "full".

const BACK_OFF_MS = [300, 700, 1500, 3000, 5000, 8000];
const PING_EVERY_MS = 15000;
const SILENT_TOO_LONG_MS = 40000;
const MAX_WAITING = 128;
const CUT = 4403;
const FULL = 4409;
const RESTART = 1012;
const MAY_CONNECT = [408, 426, 429];

export class Signalling extends EventTarget {
  #address;
  #tab = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  #socket = null;
  #welcomed = false;
  #over = false;
  #tries = 0;
  #waiting = [];
  #timer = 0;
  #pinging = 0;
  #heardAt = 0;
  #media = { audio: false, video: false };

  constructor(path) {
    super();
    this.#address = new URL(path, location.href);
    addEventListener("online", () => this.#hurry());
  }

  open() {
    const address = new URL(this.#address);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => {
      this.#heardAt = performance.now();
      socket.send(JSON.stringify({ type: "join", tab: this.#tab, ...this.#media }));
    };
    socket.onmessage = (event) => socket === this.#socket && this.#heard(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
  }

  // Messages of a page that is reconnecting wait; the oldest go first when there are too many.
  send(message) {
    if (this.#over) return;
    if (this.#welcomed) {
      this.#socket.send(JSON.stringify(message));
    } else {
      this.#waiting.push(message);
      if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    }
  }

  // What the microphone and camera do, told now and again with every reconnect.
  setMedia(media) {
    this.#media = media;
    if (this.#welcomed) this.send({ type: "media", ...media });
  }

  // Hang up: the others are told that this page is gone for good.
  leave() {
    if (this.#over) return;
    if (this.#welcomed) this.send({ type: "leave" });
    this.#finish();
    this.#socket?.close(1000);
  }

  #heard(message) {
    this.#heardAt = performance.now();
    if (message.type === "pong") return;
    if (message.type === "welcome") {
      this.#welcomed = true;
      this.#tries = 0;
      clearInterval(this.#pinging);
      this.#pinging = setInterval(() => this.#ping(), PING_EVERY_MS);
    }
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
    if (message.type === "welcome") {
      this.send({ type: "media", ...this.#media });
      for (const waiting of this.#waiting.splice(0)) this.send(waiting);
    }
  }

  // A browser does not notice that its network is gone; silence tells.
  #ping() {
    if (performance.now() - this.#heardAt < SILENT_TOO_LONG_MS) {
      this.send({ type: "ping" });
      return;
    }
    const silent = this.#socket;
    this.#closed(0);
    silent.close();
  }

  async #closed(code) {
    const welcomed = this.#welcomed;
    this.#welcomed = false;
    this.#socket = null;
    clearInterval(this.#pinging);
    if (this.#over) return;
    if (code === CUT) return this.#end("refused");
    if (code === FULL) return this.#end("full");
    this.dispatchEvent(new Event("down"));
    if (!welcomed && (await this.#isRefused())) return this.#end("refused");
    if (this.#over || this.#socket) return;
    const soon = code === RESTART && this.#tries === 0 ? 100 : BACK_OFF_MS[Math.min(this.#tries, BACK_OFF_MS.length - 1)];
    this.#tries += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#hurry(), soon * (0.7 + 0.6 * Math.random()));
  }

  async #isRefused() {
    try {
      const answer = await fetch(this.#address, { cache: "no-store", redirect: "manual" });
      return answer.status >= 400 && answer.status < 500 && !MAY_CONNECT.includes(answer.status);
    } catch {
      return false; // nobody answers: away, not refused
    }
  }

  #hurry() {
    clearTimeout(this.#timer);
    if (!this.#over && !this.#socket) this.open();
  }

  #end(why) {
    this.#finish();
    this.dispatchEvent(new Event(why));
  }

  #finish() {
    this.#over = true;
    this.#welcomed = false;
    clearTimeout(this.#timer);
    clearInterval(this.#pinging);
  }
}
