// The sandbox's stand-in for Razorpay's checkout.js: the same constructor, and a small dialogue.
(() => {
  "use strict";
  const home = new URL(document.currentScript.src).origin;

  async function pay(orderId, outcome) {
    const answer = await fetch(`${home}/sandbox/orders/${encodeURIComponent(orderId)}/pay`, {
      method: "POST",
      body: JSON.stringify({ outcome }),
    });
    return answer.json();
  }

  function make(tag, text, parent) {
    const element = document.createElement(tag);
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
      this.dialogue = make("dialog", "", document.body);
      make("h2", "Razorpay sandbox: no money moves", this.dialogue);
      const price = `${options.currency} ${(options.amount / 100).toFixed(2)}`;
      make("p", `${options.name || ""} ${options.description || ""} ${price}`, this.dialogue);
      this.complaint = make("p", "", this.dialogue);
      const choose = (text, work) => {
        make("button", text, this.dialogue).addEventListener("click", work);
      };
      choose("Pay", () => this.finish("captured"));
      choose("Fail", () => this.finish("failed"));
      choose("Close", () => this.close());
      this.dialogue.showModal();
    }

    async finish(outcome) {
      const answer = await pay(this.options.order_id, outcome);
      if (answer.error) {
        this.complaint.textContent = answer.error.description;
        this.handlers["payment.failed"]?.(answer);
        return;
      }
      this.dialogue.remove();
      if (this.options.handler) this.options.handler(answer);
      else if (this.options.callback_url) post(this.options.callback_url, answer);
    }

    close() {
      this.dialogue.remove();
      this.options.modal?.ondismiss?.();
    }
  };
})();
