// <casebook-search>: asks a Casebook service and shows the answer with its evidence.
//
//   <script src="http://casebook.example/widget/v1/casebook.js" defer></script>
//   <casebook-search district="静安区">
//     <form action="http://casebook.example/search"><label>问题 <input name="q"></label><button>检索</button></form>
//   </casebook-search>
//
// Attributes: api (address of the service; by default where the script came from), district, collection
// and year (where to search to begin with), theme (light, dark or auto; light by default, as portals are),
// size (normal or elder), lang (zh-CN or en), top-k, placeholder. The form inside is what a browser without scripts shows; with them it lends its
// label, and a question that the server has put into it is asked at once. Links inside with `q=` in their
// addresses are the examples.
// Events, which leave the shadow tree: casebook:ask, casebook:answer, casebook:error, casebook:feedback.
// Methods: ask(question), stop(), focus().

/** Where the script came from. */
const SOURCE = document.currentScript ? document.currentScript.src : "/widget/v1/casebook.js";

/** Whoever turns to an element does one of these first; tools that type for people may leave out the focus. */
const TURNS = ["mouseover", "focusin", "click", "submit", "keydown", "input", "compositionstart"];

/** Makes elements act; read when the first of them is turned to. */
let acting;

function begin(element) {
  if (element.parts) return;
  const root = element.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [SHEET];
  element.parts = shell(element);
  const wake = () => element.wake();
  for (const name of TURNS) root.addEventListener(name, wake, true); // before whom they are meant for, who by then listens
  const { input, given } = element.parts;
  if (!given) return;
  if (given.value) input.value = given.value; // somebody may have typed before the script was there
  if (given.matches(":focus")) input.focus();
  if (given.defaultValue) element.wake().submit();
}

class CasebookSearch extends HTMLElement {
  connectedCallback() {
    begin(this);
  }

  disconnectedCallback() {
    this.stop();
  }

  attributeChangedCallback() {
    if (!this.parts) return;
    this.stop();
    const { value } = this.parts.input;
    this.parts = shell(this);
    this.parts.input.value = value;
    this.panel = null;
  }

  /** Makes it act, once. */
  wake() {
    acting = acting || later();
    if (!this.panel) this.panel = acting(this, this.parts);
    return this.panel;
  }

  focus(options) {
    begin(this);
    this.parts.input.focus(options);
  }

  /** Asks a question, as if it had been typed. */
  ask(question) {
    begin(this);
    this.parts.input.value = question;
    this.wake().submit();
  }

  /** Takes no more of the answer that is on its way. */
  stop() {
    if (this.panel) this.panel.stop();
  }
}

// The last three are `SCOPE`, written out: to spread it takes a fortieth of all that a load runs.
CasebookSearch.observedAttributes = ["api", "lang", "placeholder", "district", "collection", "year"];
