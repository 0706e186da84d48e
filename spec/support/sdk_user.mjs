// Sends requests with a vendor's client, and prints for each one line of JSON: what came of it.
//
//     node sdk_user.mjs <"anthropic" or "openai"> <the package's index.mjs> <base URL> <key> <file>
//
// The file has a list of parameters as JSON; with `stream` the answer is streamed. sdk_user.py is the same in Python.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [vendor, entry, baseURL, apiKey, file] = process.argv.slice(2);
const { default: Client } = await import(pathToFileURL(resolve(entry)));
const client = new Client({ baseURL, apiKey, logLevel: "off", maxRetries: 0 });

const ask = {
  anthropic: async (params) => {
    const { data, request_id } = params.stream
      ? await client.messages.stream(params).withResponse()
      : await client.messages.create(params).withResponse();
    return { message: params.stream ? await data.finalMessage() : data, request_id };
  },
  openai: async (params) => {
    const completion = params.stream
      ? await client.chat.completions.stream(params).finalChatCompletion()
      : await client.chat.completions.create(params);
    return { model: completion.model, choices: completion.choices, usage: completion.usage };
  },
}[vendor];

for (const params of JSON.parse(readFileSync(file, "utf8"))) {
  let result;
  try {
    result = await ask(params);
  } catch (error) {
    result = { error: { status: error.status, body: error.error, request_id: error.requestID } };
  }
  console.log(JSON.stringify(result));
}
