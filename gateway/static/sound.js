/* The sound of being let in. Rule: browsers play nothing before somebody pressed something in this very page, so any
   press unlocks it, the page says whether it is unlocked, and no file is fetched. */
(function () {
  "use strict";
  const all = (query) => Array.from(document.querySelectorAll(query));
  const Context = window.AudioContext || window.webkitAudioContext;
  let speaker = null;
  let unlocked = false;

  function tell() {
    all('[data-sound="on"]').forEach((part) => { part.hidden = !unlocked; });
    all('[data-sound="off"]').forEach((part) => { part.hidden = unlocked || !Context; });
  }
  function tone(hertz, after) {
    const start = speaker.currentTime + after;
    const voice = speaker.createOscillator();
    const volume = speaker.createGain();
    voice.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.3, start + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.6);
    voice.connect(volume);
    volume.connect(speaker.destination);
    voice.start(start);
    voice.stop(start + 0.65);
  }
  function play(tones) {
    if (!unlocked) { return; }
    speaker.resume().then(() => tones.forEach((hertz, place) => tone(hertz, place * 0.22)), () => {});
  }
  /* asleep until it is needed: a phone that waits should not run its loudspeaker */
  function rest() {
    unlocked = true;
    tell();
    return speaker.suspend();
  }
  function unlock() {
    if (unlocked || !Context) { return; }
    try {
      speaker = speaker || new Context();
      speaker.resume().then(rest).catch(() => {});
    } catch (noSound) { /* then the title and the page itself tell */ }
  }
  document.addEventListener("click", (event) => {
    const asked = event.target.closest('[data-sound="off"]');
    unlock();
    if (asked && speaker) { speaker.resume().then(() => play([659])).catch(() => {}); }
  });
  document.addEventListener("keydown", unlock);

  gateway.sound = {
    tell: tell,
    unlock: unlock,
    letIn: () => {
      play([523, 659, 784]);
      if (unlocked && navigator.vibrate) { navigator.vibrate([200, 100, 200]); }
    },
    word: () => play([659, 523]),
  };
})();
