// The little of a browser that checkout.js needs: opens it for an order and clicks one button.
const [url, orderId, label] = process.argv.slice(2);
const buttons = {};

class Element {
  constructor(tag) {
    this.tag = tag;
  }
  append(child) {
    if (child.tag === "button") buttons[child.textContent] = child;
  }
  addEventListener(_event, work) {
    this.click = work;
  }
  attachShadow() {
    return new Element("shadow");
  }
  showModal() {}
  remove() {}
}

globalThis.CSSStyleSheet = class {
  replaceSync() {}
};
globalThis.window = {};
globalThis.document = {
  currentScript: { src: `${url}/v1/checkout.js` },
  body: new Element("body"),
  createElement: (tag) => new Element(tag),
};
(0, eval)(await (await fetch(document.currentScript.src)).text());

const checkout = new window.Razorpay({
  key: "rzp_test_abcdefgh",
  amount: 500000,
  currency: "INR",
  order_id: orderId,
  handler: (answer) => console.log("handler", Object.keys(answer).join()),
  modal: { ondismiss: () => console.log("dismissed") },
});
checkout.on("payment.failed", (answer) => {
  console.log("payment.failed", answer.error.description);
});
checkout.open();
await buttons[label].click();
