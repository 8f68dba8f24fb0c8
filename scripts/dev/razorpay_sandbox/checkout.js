// The sandbox's stand-in for Razorpay's checkout.js: the same constructor, and a small dialogue.
(() => {
  "use strict";
  const home = new URL(document.currentScript.src).origin;

  // A style sheet of its own, in a shadow tree: the page's Content-Security-Policy may forbid inline
  // styles, and its styles stay out of here.
  const STYLE = `
    dialog {
      width: min(22rem, calc(100vw - 2rem)); padding: 0; overflow: hidden; border: 0;
      border-radius: 1rem; background: #fff; color: #14213d; font: 1rem/1.5 system-ui, sans-serif;
      box-shadow: 0 1rem 3rem #0006;
    }
    dialog::backdrop { background: #0d1412b3 }
    header { padding: 1.25rem 1.5rem; background: #14213d; color: #fff }
    h2 { margin: 0; font-size: 1rem; font-weight: 600 }
    .price { margin: .25rem 0 0; font-size: 1.75rem; font-weight: 650; line-height: 1.2 }
    .about { margin: .25rem 0 0; color: #cdd5e5; font-size: .875rem; overflow-wrap: anywhere }
    main { display: grid; gap: .5rem; padding: 1.25rem 1.5rem 1.5rem }
    p { margin: 0 }
    .note { color: #5b6478; font-size: .875rem }
    .fault { color: #b3261e; font-size: .875rem }
    .fault:empty { display: none }
    button {
      min-height: 2.75rem; border: 1px solid #8b94a8; border-radius: .5rem; background: #fff;
      color: inherit; font: inherit; font-size: .875rem; font-weight: 550; cursor: pointer;
    }
    button:hover { background: #f1f3f8 }
    button:first-of-type { border-color: #2b5cd9; background: #2b5cd9; color: #fff }
    button:first-of-type:hover { background: #2049b3 }
    button:focus-visible { outline: 2px solid #2b5cd9; outline-offset: 2px }
  `;

  async function pay(orderId, outcome) {
    const answer = await fetch(`${home}/sandbox/orders/${encodeURIComponent(orderId)}/pay`, {
      method: "POST",
      body: JSON.stringify({ outcome }),
    });
    return answer.json();
  }

  function make(tag, text, parent, className = "") {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    parent.append(element);
    return element;
  }

  // In browsers inside other apps Razorpay posts the answer to this address instead.
  function post(address, fields) {
    const form = make("form", "", document.body);
    form.method = "post";
    form.action = address;
    for (const [name, value] of Object.entries(fields)) {
      const input = make("input", "", form);
      input.type = "hidden";
      input.name = name;
      input.value = value;
    }
    form.submit();
  }

  window.Razorpay = class Razorpay {
    constructor(options) {
      for (const name of ["key", "amount", "currency", "order_id"]) {
        if (!options[name]) throw new Error(`Checkout needs the option ${name}.`);
      }
      this.options = options;
      this.handlers = {};
    }

    on(event, handler) {
      this.handlers[event] = handler;
    }

    open() {
      const { options } = this;
      this.host = make("div", "", document.body);
      const shadow = this.host.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      shadow.adoptedStyleSheets = [sheet];
      this.dialogue = make("dialog", "", shadow);
      this.dialogue.ariaLabel = "Razorpay sandbox";
      const price = (options.amount / 100).toLocaleString("en-IN", {
        style: "currency",
        currency: options.currency,
      });
      const head = make("header", "", this.dialogue);
      make("h2", options.name || "Razorpay sandbox", head);
      make("p", price, head, "price");
      make("p", options.description || "", head, "about");
      const main = make("main", "", this.dialogue);
      make("p", "A sandbox: no money moves. How does it go?", main, "note");
      this.complaint = make("p", "", main, "fault");
      this.complaint.role = "alert";
      const choose = (text, work) => {
        make("button", text, main).addEventListener("click", work);
      };
      choose("Pay", () => this.finish("captured"));
      choose("Fail", () => this.finish("failed"));
      choose("Wait", () => this.wait());
      choose("Close", () => this.close());
      this.dialogue.addEventListener("cancel", () => this.close());
      this.dialogue.showModal();
    }

    // The bank takes its time: the page hears of no success, and the webhook that comes later does.
    async wait() {
      await pay(this.options.order_id, "late");
      this.close();
    }

    async finish(outcome) {
      const answer = await pay(this.options.order_id, outcome);
      if (answer.error) {
        this.complaint.textContent = answer.error.description;
        this.handlers["payment.failed"]?.(answer);
        return;
      }
      this.host.remove();
      if (this.options.handler) this.options.handler(answer);
      else if (this.options.callback_url) post(this.options.callback_url, answer);
    }

    close() {
      this.host.remove();
      this.options.modal?.ondismiss?.();
    }
  };
})();
