// Drives the chat page of examples/openresty in headless Chromium by the DevTools protocol:
//     node --experimental-websocket spec/support/chat_page.mjs URL DIRECTORY
// asks twice, stops the second answer, and prints what could be seen as JSON.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const [url, directory] = process.argv.slice(2);
const chromium = spawn("chromium", [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
  "--remote-debugging-port=0", `--user-data-dir=${directory}`, "about:blank",
], { stdio: ["ignore", "ignore", "pipe"] });
setTimeout(() => { chromium.kill("SIGKILL"); process.exit(1); }, 60000).unref();

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function debuggerAddress() {
  for await (const line of createInterface({ input: chromium.stderr })) {
    const found = line.match(/^DevTools listening on ws:\/\/([^/]+)/);
    if (found) {
      return found[1];
    }
  }
  throw new Error("Chromium did not start");
}

class Page {
  static async open(address) {
    const targets = await (await fetch(`http://${address}/json`)).json();
    const page = new Page();
    page.problems = [];
    page.answers = new Map();
    page.socket = new WebSocket(targets.find((target) => target.type === "page").webSocketDebuggerUrl);
    page.socket.addEventListener("message", ({ data }) => page.receive(JSON.parse(data)));
    await once(page.socket, "open");
    return page;
  }

  receive({ id, result, method, params }) {
    if (id) {
      this.answers.get(id)(result);
    } else if (method === "Runtime.exceptionThrown") {
      this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    } else if (method === "Log.entryAdded" && params.entry.level === "error") {
      this.problems.push(params.entry.text);
    }
  }

  call(method, params = {}) {
    const id = this.answers.size + 1;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.answers.set(id, resolve));
  }

  async run(expression) {
    const { result } = await this.call("Runtime.evaluate", { expression, returnByValue: true });
    return result.value;
  }

  async click(selector) {
    const { x, y } = await this.run(`(() => {
      const box = document.querySelector("${selector}").getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    })()`);
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  async ask(question) {
    await this.click("#question");
    await this.call("Input.insertText", { text: question });
    await this.click("#send");
  }

  state() {
    return this.run(`(() => {
      const last = (selector) => [...document.querySelectorAll(selector)].pop()?.textContent ?? "";
      return {
        thinking: last(".assistant .thinking"), text: last(".assistant .text"), problem: last(".problem"),
        question: last(".user .text"), answering: document.querySelector("#send").disabled,
      };
    })()`);
  }

  async until(condition) {
    const seen = [];
    do {
      await sleep(20);
      seen.push(await this.state());
    } while (!condition(seen.at(-1)));
    return seen;
  }
}

const page = await Page.open(await debuggerAddress());
await page.call("Runtime.enable");
await page.call("Log.enable");
await page.call("Page.enable");
await page.call("Page.navigate", { url });
await page.until(() => true);
while (!await page.run("!!document.querySelector('#stop')")) {
  await sleep(20);
}

await page.ask("Why is the sky blue?");
await page.until((state) => state.answering);
const seen = await page.until((state) => !state.answering);
const different = (values) => new Set(values.filter((value) => value !== "")).size;
const first = {
  ...seen.at(-1),
  thinking_steps: different(seen.map((state) => state.thinking)),
  text_steps: different(seen.map((state) => state.text)),
  thought_first: seen.some((state) => state.thinking !== "" && state.text === ""),
};

await page.ask("And the sea?");
await page.until((state) => state.question === "And the sea?" && state.text.length > 20);
await page.click("#stop");
const stopped = (await page.until((state) => !state.answering)).at(-1);
await sleep(500);
const later = await page.state();

console.log(JSON.stringify({ first, stopped, later, problems: page.problems }));
page.socket.close();
chromium.kill();
await once(chromium, "exit");
process.exit(0);
