// The TypeScript SDK; see README.md for the arguments. COMPARE_SDK names the package's index.mjs.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { default: Anthropic } = await import(pathToFileURL(resolve(process.env.COMPARE_SDK)));
const [baseURL, how] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey: process.env.COMPARE_KEY, timeout: 1000, logLevel: "off" });
const params = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "Hello" }] };
try {
  if (how === "batch") {
    await client.messages.batches.create({ requests: [{ custom_id: "a", params }] });
  } else if (how === "message") {
    const stream = client.messages.stream(params);
    stream.on("text", (text) => console.log("text " + text));
    await stream.finalMessage();
  } else {
    for await (const event of await client.messages.create({ ...params, stream: true })) {
      if (event.type === "content_block_delta") {
        console.log("text " + event.delta.text);
      }
    }
  }
  console.log("end");
} catch (err) {
  console.log(`error STATUS=${err.status ?? ""} ${err.constructor.name}: ${err.message}`);
}
