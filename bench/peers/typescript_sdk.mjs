// The TypeScript SDK; see README.md for the arguments. BENCH_SDK names the package's index.mjs.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { default: Anthropic } = await import(pathToFileURL(resolve(process.env.BENCH_SDK)));
const [baseURL, how, requests, atOnce, prompt, history] = process.argv.slice(2);

const messages = [{ role: "user", content: "word ".repeat(prompt / 5) }];
for (let i = 0; i < history; i++) {
  const text = "What was said before. ".repeat(10);
  messages.push({ role: i % 2 == 0 ? "assistant" : "user", content: [{ type: "text", text }] });
}
const params = { model: "claude-bench", max_tokens: 1024, messages };

let bytes = 0;
let deltas = 0;

const readers = {
  async create(client) {
    bytes += (await client.messages.create(params)).content[0].text.length;
  },
  async events(client) {
    for await (const event of await client.messages.create({ ...params, stream: true })) {
      if (event.type === "content_block_delta") {
        bytes += event.delta.text.length;
        deltas++;
      }
    }
  },
  async text(client) {
    const stream = client.messages.stream(params);
    stream.on("text", (text) => {
      bytes += text.length;
      deltas++;
    });
    await stream.done();
  },
  async message(client) {
    bytes += (await client.messages.stream(params).finalMessage()).content[0].text.length;
  },
  async tool(client) {
    bytes += (await client.messages.stream(params).finalMessage()).content[0].input.text.length;
  },
};

if (how !== "load") {
  const client = new Anthropic({ baseURL, apiKey: "bench-key", maxRetries: 0, logLevel: "off" });
  if (atOnce > 1) {
    await Promise.all(Array.from({ length: atOnce }, () => readers[how](client)));
  } else {
    for (let i = 0; i < requests; i++) {
      await readers[how](client);
    }
  }
}
console.log(`${bytes} ${deltas}`);
