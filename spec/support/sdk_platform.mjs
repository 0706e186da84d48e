// Sends requests to a platform with the vendor's own client for it, one after the other; prints a line for each: the
// text, the count or the error's status.
//
//     node sdk_platform.mjs <folder of the packages> <platform> <base URL> <file with the parameters> <operation>...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, platform, baseURL, file, ...operations] = process.argv.slice(2);
const require = createRequire(resolve(folder, "x.js"));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const params = JSON.parse(readFileSync(file, "utf8"));
const common = { baseURL, maxRetries: 0, logLevel: "off" };
const keys = { awsAccessKey: "AKIDEXAMPLE", awsRegion: "eu-west-1" };
const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

const makers = {
  async bedrock() {
    const { AnthropicBedrock } = await load("@anthropic-ai/bedrock-sdk");
    return new AnthropicBedrock({ ...common, ...keys, awsSecretKey: secret });
  },
  async bedrock_mantle() {
    const { AnthropicBedrockMantle } = await load("@anthropic-ai/bedrock-sdk");
    return new AnthropicBedrockMantle({ ...common, ...keys, awsSecretAccessKey: secret });
  },
  async aws() {
    const { AnthropicAws } = await load("@anthropic-ai/aws-sdk");
    return new AnthropicAws({ ...common, ...keys, awsSecretAccessKey: secret, workspaceId: "wrkspc_1" });
  },
  async vertex() {
    const { AnthropicVertex } = await load("@anthropic-ai/vertex-sdk");
    const getRequestHeaders = async () => new Headers({ authorization: "Bearer ya29.token" });
    return new AnthropicVertex({ ...common, region: "us-east5", projectId: "proj", authClient: { getRequestHeaders } });
  },
  async foundry() {
    const { AnthropicFoundry } = await load("@anthropic-ai/foundry-sdk");
    return new AnthropicFoundry({ ...common, apiKey: "foundry-key-1" });
  },
};

const client = await makers[platform]();
const { max_tokens, ...counted } = params;
for (const operation of operations) {
  try {
    if (operation === "create") {
      const message = await client.messages.create(params);
      console.log(message.content[0].text);
    } else if (operation === "stream") {
      const message = await client.messages.stream(params).finalMessage();
      console.log(message.content[0].text);
    } else if (operation === "refuse") {
      await client.messages.create({ ...params, model: "refused" });
    } else if (operation === "count") {
      const count = await client.messages.countTokens(counted);
      console.log(count.input_tokens);
    }
  } catch (error) {
    console.log(error.status ?? String(error));
  }
}
