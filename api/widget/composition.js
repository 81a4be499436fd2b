// Typing through an input method: what is still being composed is no question, and its keys are not ours.

/** Windows 8 and later, Android and macOS each report composition in their own way. */
const ANDROID = /Android/.test(navigator.userAgent);
const SAFARI = /^Apple/.test(navigator.vendor);

/** Pinyin on its way to characters. */
const PREEDIT = /^[a-z' ]+$/;

const PAUSE_MS = 200;
/** Keyboards there compose all the time, so that waiting is the only sign of a finished word. */
const ANDROID_PAUSE_MS = 300;
/** Safari ends a composition before it tells of the key that ended it. */
const SAFARI_ORDER_MS = 100;

/**
 * Follows what is typed.
 * @param {HTMLInputElement} input
 * @param {function(number)} onText Something that may be a question stands there; look it up after so
 *   many milliseconds.
 * @param {function()} onCompose A composition has begun; look nothing up.
 * @returns {{busy: function(): boolean, owns: function(Event): boolean}} Whether text is being
 *   composed; whether an event is the input method's, and to be left alone.
 */
function composition(input, onText, onCompose) {
  let composing = false;
  let endedAt = -Infinity;
  let segment = "";
  input.addEventListener("compositionstart", () => {
    composing = true;
    segment = "";
    onCompose();
  });
  input.addEventListener("compositionupdate", (event) => {
    segment = event.data;
  });
  input.addEventListener("compositionend", (event) => {
    composing = false;
    endedAt = event.timeStamp;
    onText(PAUSE_MS);
  });
  input.addEventListener("input", (event) => {
    if (event.isComposing && !ANDROID && PREEDIT.test(segment)) return;
    onText(ANDROID ? ANDROID_PAUSE_MS : PAUSE_MS);
  });
  return {
    busy: () => composing,
    owns: (event) =>
      event.isComposing ||
      event.keyCode === 229 || // Windows and Fcitx: the key that starts a composition comes before it
      composing ||
      (SAFARI && event.timeStamp - endedAt < SAFARI_ORDER_MS),
  };
}
