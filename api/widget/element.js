// <casebook-search>: asks a Casebook service and shows the answer with its evidence.
//
//   <script src="http://casebook.example/widget/v1/casebook.js" defer></script>
//   <casebook-search district="静安区">
//     <form action="http://casebook.example/search"><label>问题 <input name="q"></label><button>检索</button></form>
//   </casebook-search>
//
// Attributes: api (address of the service; by default where the script came from), district, theme
// (light, dark or auto; light by default, as portals are), size (normal or elder), lang (zh-CN or en),
// top-k, placeholder. The form inside is what a browser without scripts shows; with them it lends its
// label, and a question that the server has put into it is asked at once. Links inside with `q=` in their
// addresses are the examples.
// Events, which leave the shadow tree: casebook:ask, casebook:answer, casebook:error, casebook:feedback.
// Methods: ask(question), stop(), focus().

/** Where the script came from; it lies two folders below the service: `widget/v1/casebook.js`. */
const HOME = document.currentScript ? new URL("../..", document.currentScript.src).href : `${location.origin}/`;

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLES);

/** Waits for the whole page: a script that is not deferred meets an element before what is inside it. */
function whenRead(act) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", act, { once: true });
  else act();
}

class CasebookSearch extends HTMLElement {
  static get observedAttributes() {
    return ["api", "district", "lang", "placeholder"];
  }

  connectedCallback() {
    whenRead(() => this.begin());
  }

  disconnectedCallback() {
    this.stop();
  }

  attributeChangedCallback() {
    if (!this.panel) return;
    this.stop();
    const { value } = this.panel.input;
    this.panel = panel(this, HOME);
    this.panel.input.value = value;
  }

  begin() {
    if (this.panel || !this.isConnected) return;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet]; // assigned: a list that can be pushed to came with Chrome 99
    this.panel = panel(this, HOME);
    const { input, given, submit } = this.panel;
    if (!given) return;
    input.value = given.value; // somebody may have typed before the script was there
    if (given === document.activeElement) input.focus();
    if (given.defaultValue) submit();
  }

  focus(options) {
    if (this.panel) this.panel.input.focus(options);
  }

  /** Asks a question, as if it had been typed. */
  ask(question) {
    this.panel.input.value = question;
    this.panel.submit();
  }

  /** Takes no more of the answer that is on its way. */
  stop() {
    if (this.panel) this.panel.stop();
  }
}
