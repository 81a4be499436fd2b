// Whether an answer was of use, and what was wrong with it. Sent to the service and to nobody else.

const REASONS = ["off_topic", "incomplete", "wrong_case", "wrong_district", "hard_to_read"];

/**
 * @param {Object} to `words`; `send(verdict, reasons)` gives a promise; `announce`.
 * @returns {Element}
 */
function feedback({ words, send, announce }) {
  const label = make("span", { id: "verdict" }, words("verdict"));
  const box = make("div", { class: "feedback", role: "group", "aria-labelledby": "verdict", tabindex: "-1" });
  const boxes = REASONS.map((reason) => make("input", { type: "checkbox", value: reason }));
  const useful = button("choice", words("useful"), () => tell("useful", []));
  const not = button("choice", words("notUseful"), () => {
    not.setAttribute("aria-expanded", "true");
    reasons.hidden = false;
    boxes[0].focus();
  }, { "aria-expanded": "false" });
  const reasons = make(
    "fieldset",
    { hidden: true },
    make("legend", {}, words("reasons")),
    ...boxes.map((it) => make("label", { class: "reason" }, it, words(it.value))),
    button("choice", words("send"), () => tell("not_useful", boxes.filter((it) => it.checked).map((it) => it.value)))
  );
  box.append(label, useful, not, reasons);

  async function tell(verdict, chosen) {
    let outcome = "thanks";
    try {
      await send(verdict, chosen);
    } catch {
      outcome = "notSent"; // said below: an answer stands without it
    }
    if (outcome === "thanks") {
      box.replaceChildren(words(outcome));
      box.focus(); // what had the focus is gone
    }
    announce(words(outcome));
    if (outcome === "notSent") label.textContent = words(outcome);
  }

  return box;
}
