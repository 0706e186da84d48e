// A page in headless Chromium, by the DevTools protocol on a pipe.
//
//     const page = await openPage(directory); // of Chromium's own files
//     await page.resize(390, 844);
//     await page.goTo(url);
//     await page.click("#send");
//     page.problems // errors of the console, breaches of the page's security policy included
//     await page.close();

import { spawn } from "node:child_process";
import { once } from "node:events";

const LIFETIME = 110_000; // milliseconds, whatever happens

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

class Page {
  problems = [];
  hosts = new Set(); // that something was asked of
  #answers = new Map();
  #unread = "";
  #session;
  awaited = "a page"; // what `until` waits for

  constructor(chromium) {
    this.chromium = chromium;
    chromium.stdio[4].setEncoding("utf8").on("data", (text) => {
      const parts = (this.#unread + text).split("\0");
      this.#unread = parts.pop();
      parts.forEach((part) => this.#receive(JSON.parse(part)));
    });
  }

  async attach() {
    const { targetInfos } = await this.call("Target.getTargets");
    const { targetId } = targetInfos.find((target) => target.type === "page");
    this.#session = (await this.call("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Runtime", "Log", "Page", "Network"]) {
      await this.call(`${domain}.enable`);
    }
  }

  #receive({ id, result, error, method, params }) {
    if (id) {
      this.#answers.get(id)(error ? { error } : result);
    } else if (method === "Runtime.exceptionThrown") {
      this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    } else if (method === "Runtime.consoleAPICalled" && params.type === "error") {
      this.problems.push(params.args.map((argument) => argument.value).join(" "));
    } else if (method === "Log.entryAdded" && params.entry.level === "error") {
      this.problems.push(params.entry.text);
    } else if (method === "Network.requestWillBeSent") {
      this.hosts.add(new URL(params.request.url).host);
    }
  }

  call(method, params = {}) {
    const id = this.#answers.size + 1;
    this.chromium.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  // The value of a function that runs in the page, with these arguments.
  async run(f, ...values) {
    const expression = `(${f})(...${JSON.stringify(values)})`;
    const { result, exceptionDetails } = await this.call("Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true, userGesture: true });
    if (exceptionDetails) {
      throw new Error(`${exceptionDetails.exception?.description ?? exceptionDetails.text} in ${f}`);
    }
    return result.value;
  }

  // Waits until the function returns something true, and returns it.
  async until(f, ...values) {
    this.awaited = `${f}`;
    for (;;) {
      const value = await this.run(f, ...values);
      if (value) {
        return value;
      }
      await sleep(20);
    }
  }

  async resize(width, height, scale = 1) {
    const isPhone = width < 600;
    await this.call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile: isPhone });
    await this.call("Emulation.setTouchEmulationEnabled", { enabled: isPhone });
  }

  async prefer(scheme) {
    await this.call("Emulation.setEmulatedMedia", { features: [
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ] });
  }

  async goTo(url) {
    await this.call("Page.navigate", { url });
    await this.until((wanted) => location.href === wanted && document.readyState === "complete", url);
  }

  // Clicks the middle of the last visible element of the selector.
  async click(selector) {
    const point = await this.until((name) => {
      const element = [...document.querySelectorAll(name)].filter((each) => each.checkVisibility() && !each.disabled).pop();
      element?.scrollIntoView({ block: "nearest" });
      const box = element?.getBoundingClientRect();
      return box && { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    }, selector);
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.call("Input.dispatchMouseEvent", { type, ...point, button: "left", clickCount: 1 });
    }
  }

  async press(key, modifiers = 0) {
    const code = { Enter: 13, Escape: 27, Tab: 9 }[key];
    const parameters = { key, code: key, windowsVirtualKeyCode: code, modifiers };
    await this.call("Input.dispatchKeyEvent", { type: "rawKeyDown", ...parameters });
    if (key === "Enter") {
      await this.call("Input.dispatchKeyEvent", { type: "char", text: "\r", ...parameters });
    }
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...parameters });
  }

  async type(text) {
    await this.call("Input.insertText", { text });
  }

  // What the page looks like, as a file's bytes.
  async picture(format, quality) {
    const { data } = await this.call("Page.captureScreenshot", { format, quality });
    return Buffer.from(data, "base64");
  }

  async close() {
    this.chromium.kill();
    await once(this.chromium, "exit");
  }
}

export async function openPage(directory) {
  const chromium = spawn("chromium", [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
    "--hide-scrollbars", "--remote-debugging-pipe", `--user-data-dir=${directory}`, "about:blank",
  ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const page = new Page(chromium);
  setTimeout(() => {
    console.log(`waited in vain for ${page.awaited}`, page.problems);
    chromium.kill("SIGKILL");
    process.exit(1);
  }, LIFETIME).unref();
  await page.attach();
  return page;
}
